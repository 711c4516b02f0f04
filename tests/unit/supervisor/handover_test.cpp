#include "myct/supervisor/handover.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "myct/base/error.hpp"

namespace myct::supervisor {
namespace {

using ::testing::Contains;
using ::testing::Not;
using ::testing::StartsWith;

Handover read(std::vector<std::string> arguments) {
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  return handover_from_arguments(static_cast<int>(argv.size()), argv.data());
}

/// Every member differs from what it is by default.
Handover full() {
  return {.root = "/var/lib/my ct",
          .runtime_dir = "/run/my=ct",
          .id = std::string(64, 'a'),
          .name = "web",
          .image = "registry:5000/a/b:c",
          .init_pid = 123,
          .init = 3,
          .console = 4,
          .input = 5,
          .output = 6,
          .error = 7,
          .listener = 8,
          .owner = 9,
          .starter = 10,
          .stop_signal = 2,
          .cgroup = "/sys/fs/cgroup/myct/a",
          .log = {.driver = state::LogDriver::Journald, .max_size = 5'000'000'000, .max_file = 7},
          .started_milliseconds = 5'000'000'000,
          .delay_milliseconds = 60'000,
          .health = {.interval = 30'000, .start_interval = 5'000'000'000, .start_period = 1}};
}

void expect_equal(const Handover& read, const Handover& written) {
  for (const auto member :
       {&Handover::root, &Handover::runtime_dir, &Handover::id, &Handover::name, &Handover::image, &Handover::cgroup})
    EXPECT_EQ(read.*member, written.*member);
  for (const auto member :
       {&Handover::init_pid, &Handover::init, &Handover::console, &Handover::input, &Handover::output, &Handover::error,
        &Handover::listener, &Handover::owner, &Handover::starter, &Handover::stop_signal})
    EXPECT_EQ(read.*member, written.*member);
  EXPECT_EQ(read.log.driver, written.log.driver);
  EXPECT_EQ(read.log.max_size, written.log.max_size);
  EXPECT_EQ(read.log.max_file, written.log.max_file);
  EXPECT_EQ(read.started_milliseconds, written.started_milliseconds);
  EXPECT_EQ(read.delay_milliseconds, written.delay_milliseconds);
  EXPECT_EQ(read.health, written.health);
}

TEST(Handover, survives_the_command_line) { expect_equal(read(to_arguments(full())), full()); }

TEST(Handover, survives_with_as_little_as_there_can_be) {
  const Handover little{.id = "a"};
  expect_equal(read(to_arguments(little)), little);
}

TEST(Handover, shows_the_container_first_to_a_reader_of_ps) {
  const std::vector<std::string> arguments = to_arguments(full());
  EXPECT_EQ(arguments.at(0), kSupervisorName);
  EXPECT_EQ(arguments.at(1), "name=web");
}

TEST(Handover, leaves_out_the_descriptors_that_there_are_not) {
  EXPECT_THAT(to_arguments({.id = "a"}), Not(Contains(StartsWith("console="))));
}

TEST(Handover, refuses_any_other_command_line) {
  const std::vector<std::vector<std::string>> rows = {{kSupervisorName},
                                                      {kSupervisorName, "name=web"},
                                                      {kSupervisorName, "id=a", "word"},
                                                      {kSupervisorName, "id=a", "unknown=1"},
                                                      {kSupervisorName, "id=a", "pid=x"},
                                                      {kSupervisorName, "id=a", "init="},
                                                      {kSupervisorName, "id=a", "log=syslog"}};
  for (const auto& row : rows) EXPECT_THROW((void)read(row), Error) << row.back();
}

}  // namespace
}  // namespace myct::supervisor
