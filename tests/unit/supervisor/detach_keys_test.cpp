#include "myct/supervisor/detach_keys.hpp"

#include <gtest/gtest.h>

#include "myct/base/error.hpp"

namespace myct::supervisor {
namespace {

TEST(ParseDetachKeys, gives_the_bytes_that_the_keys_send) {
  const struct {
    const char* text;
    std::string keys;
  } rows[] = {{"ctrl-p,ctrl-q", "\x10\x11"},
              {"", ""},
              {"a", "a"},
              {"a,b,c", "abc"},
              {"ctrl-a,ctrl-z", "\x01\x1a"},
              {"ctrl-@", std::string(1, '\0')},
              {"ctrl-[,ctrl-\\,ctrl-],ctrl-^,ctrl-_", "\x1b\x1c\x1d\x1e\x1f"},
              {"DEL", "\x7f"},
              {"A,-", "A-"}};
  for (const auto& row : rows) EXPECT_EQ(parse_detach_keys(row.text), row.keys) << row.text;
}

TEST(ParseDetachKeys, refuses_what_is_no_key) {
  for (const char* text : {"ctrl", "ctrl-", "ctrl-ab", "ctrl-A", "ctrl-1", "ab", ",", "a,,b", "a,", ",a", "del", "^p"})
    EXPECT_THROW((void)parse_detach_keys(text), Error) << text;
}

TEST(ParseDetachKeys, names_the_key_and_the_rule) {
  try {
    (void)parse_detach_keys("ctrl-p,foo");
    FAIL() << "not refused";
  } catch (const Error& error) {
    EXPECT_STREQ(
        error.what(),
        "invalid detach keys 'ctrl-p,foo': 'foo' is neither a character nor ctrl- and one of a-z @ [ \\ ] ^ _");
    EXPECT_EQ(error.kind(), ErrorKind::Usage);
  }
}

TEST(DetachMatcher, finds_the_sequence_wherever_it_is_split) {
  DetachMatcher at_once("\x10\x11");
  EXPECT_EQ(at_once.feed("ls\r\x10\x11"), "ls\r");
  EXPECT_TRUE(at_once.detached());

  DetachMatcher split("\x10\x11");
  EXPECT_EQ(split.feed("ls\r\x10"), "ls\r");
  EXPECT_FALSE(split.detached());
  EXPECT_EQ(split.feed(""), "");
  EXPECT_EQ(split.feed("\x11"), "");
  EXPECT_TRUE(split.detached());
}

TEST(DetachMatcher, replays_a_sequence_that_breaks_off) {
  DetachMatcher matcher("\x10\x11");
  EXPECT_EQ(matcher.feed("\x10"), "") << "held back until it is clear";
  EXPECT_EQ(matcher.feed("x"), "\x10x");
  EXPECT_EQ(matcher.feed("\x11"), "\x11") << "the second key alone is no sequence";
  EXPECT_FALSE(matcher.detached());
}

TEST(DetachMatcher, finds_a_sequence_that_begins_within_a_broken_one) {
  DetachMatcher twice("\x10\x11");
  EXPECT_EQ(twice.feed("\x10\x10\x11"), "\x10");
  EXPECT_TRUE(twice.detached());

  DetachMatcher repeated("aab");
  EXPECT_EQ(repeated.feed("aaab"), "a");
  EXPECT_TRUE(repeated.detached());

  DetachMatcher longer("abac");
  EXPECT_EQ(longer.feed("ababac"), "ab");
  EXPECT_TRUE(longer.detached());
}

TEST(DetachMatcher, gives_the_program_nothing_after_the_sequence) {
  DetachMatcher matcher("q");
  EXPECT_EQ(matcher.feed("abqcd"), "ab");
  EXPECT_EQ(matcher.feed("more"), "");
}

TEST(DetachMatcher, without_keys_passes_everything) {
  DetachMatcher matcher("");
  EXPECT_EQ(matcher.feed("\x10\x11"), "\x10\x11");
  EXPECT_FALSE(matcher.detached());
}

}  // namespace
}  // namespace myct::supervisor
