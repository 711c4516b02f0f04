// Addresses given out by the thousand. What a claim costs is counted in system calls, by ptrace(2): time would tell of
// the machine.
#include "addresses.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <set>

#include "myct/base/error.hpp"

namespace myct::network {
namespace {

namespace fs = std::filesystem;

const std::string kId(64, 'a');

class AddressPoolTest : public ::testing::Test {
 protected:
  void SetUp() override {
    // In memory, as the runtime directory is.
    const bool has_memory = ::access("/dev/shm", W_OK) == 0;
    std::string name = (has_memory ? std::string("/dev/shm/") : ::testing::TempDir()) + "myct-addresses-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    directory_ = name;
  }
  void TearDown() override { fs::remove_all(directory_); }

  [[nodiscard]] AddressPool pool(const char* text) const {
    const Subnet subnet = parse_subnet(text).value();
    return {directory_, {.subnet = subnet, .range = subnet, .gateway = subnet.first_host()}};
  }
  [[nodiscard]] static std::string claim(const AddressPool& pool) {
    return to_text(pool.claim(kId, [](const Address&) {}));
  }

  std::string directory_;
};

TEST_F(AddressPoolTest, gives_ten_thousand_of_a_large_subnet_each_once) {
  constexpr size_t kMany = 10000;
  const AddressPool large = pool("10.90.0.0/16");
  std::set<std::string> seen;
  for (size_t number = 0; number < kMany; ++number) seen.insert(claim(large));
  EXPECT_EQ(seen.size(), kMany);
  for (const char* never : {"10.90.0.0", "10.90.0.1", "10.90.255.255"}) EXPECT_FALSE(seen.contains(never)) << never;
  EXPECT_TRUE(seen.contains("10.90.39.17")) << "one after the other";
}

TEST_F(AddressPoolTest, gives_a_freed_one_again_only_after_all_others) {
  const AddressPool small = pool("10.90.0.0/24");
  constexpr size_t kAll = 253;
  const std::string freed = claim(small);
  release_address(directory_, freed, kId);
  for (size_t number = 1; number < kAll; ++number) EXPECT_NE(claim(small), freed) << number;
  EXPECT_EQ(claim(small), freed);
  EXPECT_THROW((void)claim(small), Error);
}

/// The system calls that a child makes to claim an address.
int calls_of_a_claim(const AddressPool& pool) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
    ::raise(SIGSTOP);
    (void)pool.claim(kId, [](const Address&) {});
    ::_exit(0);
  }
  int stops = 0;
  int status = 0;
  while (::waitpid(child, &status, 0) == child && WIFSTOPPED(status)) {
    ++stops;
    ::ptrace(PTRACE_SYSCALL, child, nullptr, nullptr);
  }
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  return stops;
}

TEST_F(AddressPoolTest, costs_the_same_with_ten_taken_and_with_ten_thousand) {
  const AddressPool large = pool("10.90.0.0/16");
  for (int number = 0; number < 10; ++number) (void)claim(large);
  const int few = calls_of_a_claim(large);
  EXPECT_GT(few, 2);
  for (int number = 0; number < 10000; ++number) (void)claim(large);
  EXPECT_EQ(calls_of_a_claim(large), few);
}

TEST_F(AddressPoolTest, does_not_try_all_that_are_taken_when_it_comes_round_to_them) {
  const AddressPool large = pool("10.90.0.0/16");
  (void)claim(large);
  const int few = calls_of_a_claim(large);
  for (int number = 0; number < 10000; ++number) (void)claim(large);
  const std::string last = claim(large);
  std::ofstream(directory_ + "/last") << "10.90.255.254";
  int tried = 0;
  const Address next = large.claim(kId, [&](const Address&) { ++tried; });
  EXPECT_EQ(next, parse_address(last)->next());
  EXPECT_LE(tried, 5);
  std::ofstream(directory_ + "/last") << "10.90.255.254";
  EXPECT_LT(calls_of_a_claim(large), few + 100) << "the directory is read once";
}

TEST_F(AddressPoolTest, gives_those_of_ipv6_likewise) {
  const AddressPool small = pool("fd00::/125");
  std::set<std::string> seen;
  for (int number = 0; number < 6; ++number) seen.insert(claim(small));
  EXPECT_EQ(seen, (std::set<std::string>{"fd00::2", "fd00::3", "fd00::4", "fd00::5", "fd00::6", "fd00::7"}));
  EXPECT_THROW((void)claim(small), Error);
  release_address(directory_, "fd00::4", kId);
  EXPECT_EQ(claim(small), "fd00::4");
}

}  // namespace
}  // namespace myct::network
