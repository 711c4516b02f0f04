#include "myct/base/signals.hpp"

#include <gtest/gtest.h>

#include <csignal>

namespace myct {
namespace {

TEST(ParseSignal, takes_names_and_numbers) {
  const struct {
    const char* text;
    int number;
  } rows[] = {{"TERM", SIGTERM},
              {"SIGTERM", SIGTERM},
              {"term", SIGTERM},
              {"sigkill", SIGKILL},
              {"9", 9},
              {"1", 1},
              {"64", 64},
              {"WINCH", SIGWINCH},
              {"IOT", SIGABRT},
              {"SIGCLD", SIGCHLD},
              {"IO", SIGIO},
              {"POLL", SIGPOLL},
              {"RTMIN", SIGRTMIN},
              {"SIGRTMIN+3", SIGRTMIN + 3},
              {"RTMAX", SIGRTMAX},
              {"RTMAX-1", SIGRTMAX - 1},
              {"rtmin+1", SIGRTMIN + 1}};
  for (const auto& row : rows) EXPECT_EQ(parse_signal(row.text), row.number) << row.text;
}

TEST(ParseSignal, refuses_all_else) {
  for (const char* text : {"", "0", "-1", "65", "SIG", "NOSUCH", "TERM ", "SIGSIGTERM", "RTMIN-1", "RTMAX+1", "RTMIN+",
                           "RTMIN+99", "9x", "99999999999999999999"})
    EXPECT_EQ(parse_signal(text), std::nullopt) << text;
}

TEST(SignalName, is_read_back_as_the_same_number) {
  for (int number = 1; number <= SIGRTMAX; ++number) EXPECT_EQ(parse_signal(signal_name(number)), number);
  EXPECT_EQ(signal_name(SIGTERM), "SIGTERM");
  EXPECT_EQ(signal_name(SIGRTMIN + 2), "SIGRTMIN+2");
}

}  // namespace
}  // namespace myct
