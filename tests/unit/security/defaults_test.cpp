#include "myct/security/defaults.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

namespace myct::security {
namespace {

TEST(DefaultMaskedPaths, hold_what_docker_masks) {
  const std::vector<std::string> paths = default_masked_paths();
  for (const char* path : {"/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/interrupts", "/sys/firmware",
                           "/sys/devices/virtual/powercap"})
    EXPECT_THAT(paths, ::testing::Contains(path));
}

TEST(DefaultMaskedPaths, hold_the_throttle_counters_of_every_processor_that_has_them) {
  std::vector<std::string> expected;
  for (const auto& entry : std::filesystem::directory_iterator("/sys/devices/system/cpu"))
    if (const auto path = entry.path() / "thermal_throttle"; std::filesystem::exists(path)) expected.push_back(path);
  EXPECT_THAT(thermal_throttle_paths(), ::testing::UnorderedElementsAreArray(expected));
}

TEST(DefaultReadonlyPaths, are_dockers_five) {
  EXPECT_THAT(default_readonly_paths(),
              ::testing::ElementsAre("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"));
}

}  // namespace
}  // namespace myct::security
