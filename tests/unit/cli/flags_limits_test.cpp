#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "flags.hpp"
#include "myct/base/error.hpp"

namespace myct::cli {
namespace {

using ::testing::HasSubstr;

std::string refusal(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Usage);
    return error.what();
  }
  return "(accepted)";
}

TEST(Memory, is_written_in_binary_units) {
  EXPECT_EQ(parse_memory("512M", "--memory"), 512 << 20);
  EXPECT_EQ(parse_memory("1.5g", "--memory"), 3LL << 29);
  EXPECT_EQ(parse_memory("0", "--memory"), 0);
  EXPECT_EQ(parse_memory_swap("-1"), -1);
  EXPECT_EQ(parse_memory_swap("1g"), 1 << 30);
  for (const char* text : {"", "-1", "x", "1x", "50%", "1e3", "99999999999t"})
    EXPECT_THAT(refusal([&] { (void)parse_memory(text, "--memory"); }), HasSubstr("for --memory: give bytes, or"))
        << text;
  EXPECT_THAT(refusal([] { (void)parse_memory_swap("-2"); }), HasSubstr("invalid size '-2' for --memory-swap"));
}

TEST(Swappiness, can_only_be_left_as_it_is) {
  EXPECT_NO_THROW(check_swappiness("-1"));
  EXPECT_THAT(refusal([] { check_swappiness("60"); }), HasSubstr("cgroup v2 has no such setting"));
}

struct CpusRow {
  const char* text;
  int64_t expected;
};

TEST(Cpus, are_a_number_or_percent_of_one) {
  const std::vector<CpusRow> rows = {
      {"1", 1'000'000'000}, {"1.5", 1'500'000'000},           {".5", 500'000'000}, {"2.", 2'000'000'000},
      {"50%", 500'000'000}, {"150%", 1'500'000'000},          {"0.5%", 5'000'000}, {"0", 0},
      {"0.000000001", 1},   {"1.50000000000", 1'500'000'000},
  };
  for (const CpusRow& row : rows) EXPECT_EQ(parse_cpus(row.text), row.expected) << row.text;
}

TEST(Cpus, that_are_no_exact_number_are_refused) {
  EXPECT_THAT(refusal([] { (void)parse_cpus("1.00000000001"); }), HasSubstr("it is too precise"));
  for (const char* text : {"", ".", "%", "x", "-1", "1,5", "1/2", "1e1", "1.5x", "50%%", "99999999999999999999"})
    EXPECT_THAT(refusal([&] { (void)parse_cpus(text); }), HasSubstr("give one such as 1.5, or 50%")) << text;
}

TEST(Number, is_in_its_range_or_means_no_limit) {
  const NumberRange range{.least = 1000, .most = 2000, .takes_minus_one = true};
  EXPECT_EQ(parse_number("1000", "--x", range), 1000);
  EXPECT_EQ(parse_number("0", "--x", range), 0);
  EXPECT_EQ(parse_number("-1", "--x", range), -1);
  for (const char* text : {"", "999", "2001", "-2", "1k", "1.5"})
    EXPECT_THAT(refusal([&] { (void)parse_number(text, "--x", range); }),
                HasSubstr("': give a number from 1000 to 2000, or -1 for no limit"))
        << text;
  EXPECT_THAT(refusal([] { (void)parse_number("-1", "--x", {.least = 2, .most = 9}); }),
              HasSubstr("invalid --x '-1': give a number from 2 to 9, or 0 for the default"));
}

TEST(DeviceLimit, names_a_disk_and_a_value) {
  const manager::DeviceLimit limit = parse_device_limit("/dev/disk/by-path/pci-0:1:10mb", "--x", DeviceQuantity::Bytes);
  EXPECT_EQ(limit.path, "/dev/disk/by-path/pci-0:1");
  EXPECT_EQ(limit.value, 10U << 20);
  EXPECT_EQ(parse_device_limit("/dev/sda:1000", "--x", DeviceQuantity::Number).value, 1000U);
  EXPECT_EQ(parse_device_limit("/dev/sda:0", "--x", DeviceQuantity::Weight).value, 0U);
}

struct DeviceLimitRow {
  const char* text;
  DeviceQuantity quantity;
  const char* expected;
};

TEST(DeviceLimit, of_anything_else_is_refused) {
  const std::vector<DeviceLimitRow> rows = {
      {"/dev/sda", DeviceQuantity::Bytes, "give a disk and a value, such as /dev/sda:10mb"},
      {":1", DeviceQuantity::Number, "give a disk and a value, such as /dev/sda:100"},
      {"sda:1m", DeviceQuantity::Bytes, "the disk's path is to begin with /dev/"},
      {"/dev/sda:1x", DeviceQuantity::Bytes, "'1x' is no number of bytes a second"},
      {"/dev/sda:1m", DeviceQuantity::Number, "'1m' is no number of operations a second"},
      {"/dev/sda:9", DeviceQuantity::Weight, "'9' is no weight from 10 to 1000"},
      {"/dev/sda:1001", DeviceQuantity::Weight, "'1001' is no weight from 10 to 1000"},
  };
  for (const DeviceLimitRow& row : rows)
    EXPECT_THAT(refusal([&] { (void)parse_device_limit(row.text, "--x", row.quantity); }), HasSubstr(row.expected))
        << row.text;
}

struct DeviceRow {
  const char* text;
  const char* host;
  const char* container;
  const char* access;
};

TEST(Device, is_at_the_same_place_and_fully_usable_unless_said_otherwise) {
  const std::vector<DeviceRow> rows = {
      {"/dev/fuse", "/dev/fuse", "/dev/fuse", "rwm"},     {"/dev/fuse:r", "/dev/fuse", "/dev/fuse", "r"},
      {"/dev/fuse:/dev/f", "/dev/fuse", "/dev/f", "rwm"}, {"/dev/fuse:/dev/f:rw", "/dev/fuse", "/dev/f", "rw"},
      {"/dev/snd/", "/dev/snd", "/dev/snd", "rwm"},
  };
  for (const DeviceRow& row : rows) {
    const manager::DeviceRequest device = parse_device(row.text);
    EXPECT_EQ(device.host_path, row.host) << row.text;
    EXPECT_EQ(device.container_path, row.container) << row.text;
    EXPECT_EQ(device.access, row.access) << row.text;
  }
  for (const char* text : {"", "fuse", "/dev/fuse:f", "/dev/fuse:/f:x", "/dev/fuse:/f:rr", "/dev/fuse:/f:", "/a:/b:r:w",
                           "/dev/fuse:/x/../y", "/dev/fuse:/", "vendor.com/class=dev"})
    EXPECT_THAT(refusal([&] { (void)parse_device(text); }), HasSubstr("invalid device '")) << text;
}

TEST(DeviceRule, has_dockers_form) {
  for (const char* text : {"c 10:200 rwm", "b *:* m", "a *:5 rw"}) EXPECT_EQ(parse_device_rule(text), text);
  for (const char* text :
       {"", "c 10:200", "d 1:1 r", "c 10 r", "c x:1 r", "c 1:1 z", "c  1:1 r", "c 1:1:1 r", "c -1:1 r"})
    EXPECT_THAT(refusal([&] { (void)parse_device_rule(text); }), HasSubstr("invalid --device-cgroup-rule")) << text;
}

TEST(CgroupParent, is_a_path_below_the_hierarchy) {
  EXPECT_EQ(parse_cgroup_parent("/a/b"), "/a/b");
  EXPECT_EQ(parse_cgroup_parent("a//b/"), "/a/b");
  EXPECT_EQ(parse_cgroup_parent("user.slice"), "/user.slice");
  for (const char* text : {"/", "..", "/a/../b", "a/.", "a\nb"})
    EXPECT_THAT(refusal([&] { (void)parse_cgroup_parent(text); }), HasSubstr("invalid --cgroup-parent")) << text;
}

TEST(OomScore, is_what_the_kernel_takes) {
  EXPECT_EQ(parse_oom_score("-1000"), -1000);
  EXPECT_EQ(parse_oom_score("1000"), 1000);
  for (const char* text : {"", "1001", "-1001", "x"})
    EXPECT_THAT(refusal([&] { (void)parse_oom_score(text); }), HasSubstr("a number from -1000 to 1000")) << text;
}

TEST(CgroupView, is_one_of_two_words) {
  EXPECT_EQ(parse_cgroup_view("private"), manager::CgroupView::Private);
  EXPECT_EQ(parse_cgroup_view("host"), manager::CgroupView::Host);
  EXPECT_THAT(refusal([] { (void)parse_cgroup_view("shared"); }), HasSubstr("private or host"));
}

}  // namespace
}  // namespace myct::cli
