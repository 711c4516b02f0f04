#include "myct/base/error.hpp"

#include <gtest/gtest.h>

namespace myct {
namespace {

TEST(Error, prints_context_subject_errno_and_hint_in_one_line) {
  Error error(ErrorKind::System, "mount overlay on '/x'", EINVAL, "check dmesg");
  error.add_context("create web");
  EXPECT_STREQ(error.what(), "create web: mount overlay on '/x': Invalid argument: check dmesg");
  EXPECT_EQ(error.errnum(), EINVAL);
  EXPECT_EQ(error.exit_status(), 125);
}

TEST(Error, stays_on_one_line_whatever_a_path_holds) {
  const Error error(ErrorKind::NotFound, "open 'a\nb\x1b[31m'");
  EXPECT_STREQ(error.what(), "open 'a?b?[31m'");
}

TEST(Error, takes_errno_before_anything_can_change_it) {
  errno = ENOENT;
  try {
    throw_errno("open '{}'", "/missing");
  } catch (const Error& error) {
    EXPECT_EQ(error.errnum(), ENOENT);
    EXPECT_EQ(error.kind(), ErrorKind::NotFound);
    EXPECT_STREQ(error.what(), "open '/missing': No such file or directory");
  }
}

}  // namespace
}  // namespace myct
