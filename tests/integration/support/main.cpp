// Every test runs on a Host of its own; listing the tests needs none, and no root.
#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <iostream>
#include <memory>

#include "host.hpp"

namespace {

class HostEnvironment : public ::testing::Environment {
 public:
  void SetUp() override {
    std::signal(SIGPIPE, SIG_IGN);  // a program that ends before it has read all is an answer, not an accident
    myct::test::set_host(std::make_unique<myct::test::Host>());
  }
  void TearDown() override { myct::test::set_host(nullptr); }
};

}  // namespace

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  ::testing::AddGlobalTestEnvironment(new HostEnvironment);
  return RUN_ALL_TESTS();
}
