// What tests of limits have in common.
#pragma once

#include <filesystem>
#include <fstream>

#include "detached.hpp"

namespace myct::test {

/// Whether containers can have the controller, of version 2, on this host.
inline bool has_controller(const std::string& name) {
  if (host().cgroups().empty()) return false;
  std::ifstream file(host().cgroups() + "/cgroup.controllers");
  for (std::string word; file >> word;)
    if (word == name) return true;
  return false;
}

#define NEEDS_CONTROLLER(name) \
  if (!has_controller(name)) GTEST_SKIP() << "no " name " controller of version 2 on this host"

class LimitsTest : public DetachedTest {
 protected:
  void TearDown() override {
    for (const std::string& id : lines_of(myct({"ps", "-aq"}).out)) (void)myct({"rm", "-f", id});
    EXPECT_THAT(groups(), ::testing::IsEmpty());
    DetachedTest::TearDown();
  }

  /// What a file of the container's group holds.
  [[nodiscard]] std::string knob(const std::string& id, const std::string& file) const {
    const std::string text = read_file(group(id) + "/" + file);
    return text.substr(0, text.find('\n'));
  }
  [[nodiscard]] static std::string group(const std::string& id) { return host().cgroups() + "/myct/" + id; }
  [[nodiscard]] std::string state(const std::string& name, const std::string& field) const {
    const std::string text = myct({"inspect", "-f", "{{.State." + field + "}}", name}).out;
    return text.substr(0, text.find('\n'));
  }
  /// `start` with the probe bound to /probe.
  std::string start_probe(const std::string& name, const Words& words, Words options) const {
    options.insert(options.end(), {"-v", probe_path() + ":/probe:ro"});
    Words all = {"/probe"};
    all.insert(all.end(), words.begin(), words.end());
    return start_program(name, all, options);
  }
  /// Groups of containers that are left.
  [[nodiscard]] static std::vector<std::string> groups() {
    std::vector<std::string> left;
    std::error_code none;
    if (host().cgroups().empty()) return left;
    for (const auto& entry : std::filesystem::directory_iterator(host().cgroups() + "/myct", none))
      if (entry.is_directory() && entry.path().filename() != "supervisors") left.push_back(entry.path());
    return left;
  }
};

}  // namespace myct::test
