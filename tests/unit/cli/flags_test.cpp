#include "flags.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include "myct/base/error.hpp"

namespace myct::cli {
namespace {

using manager::Access;
using manager::MissingSource;
using manager::MountRequest;
using manager::MountType;
using manager::Populate;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::optional<std::string> caller(const std::string& name) {
  if (name == "HOME") return "/home/ada";
  return std::nullopt;
}

template <typename Body>
std::string usage_error(Body body) {
  try {
    body();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Usage);
    return error.what();
  }
  return "(no error)";
}

TEST(ParseEnv, copies_a_bare_name_from_the_caller) {
  EXPECT_EQ(parse_env("A=b=c", caller), "A=b=c");
  EXPECT_EQ(parse_env("A=", caller), "A=");
  EXPECT_EQ(parse_env("HOME", caller), "HOME=/home/ada");
  EXPECT_EQ(parse_env("UNSET", caller), std::nullopt);
  EXPECT_THAT(usage_error([] { (void)parse_env("=x", caller); }), HasSubstr("no name before '='"));
}

TEST(ParseHealthTime, wants_a_unit_and_a_millisecond_at_least) {
  EXPECT_EQ(parse_health_time("1m30s", "--health-interval"), std::chrono::seconds(90));
  EXPECT_EQ(parse_health_time("1ms", "--health-interval"), std::chrono::milliseconds(1));
  EXPECT_EQ(parse_health_time("0s", "--health-interval"), std::chrono::nanoseconds(0)) << "the default";
  EXPECT_THAT(usage_error([] { (void)parse_health_time("5", "--health-interval"); }),
              HasSubstr("invalid value '5' for '--health-interval': give a time such as 1m30s or 500ms"));
  for (const char* text : {"999us", "-1s", "1ns"})
    EXPECT_THAT(usage_error([&] { (void)parse_health_time(text, "--health-timeout"); }), HasSubstr("at least 1ms"));
  for (const char* text : {"", "s", "soon", "1 s", "1d"})
    EXPECT_THAT(usage_error([&] { (void)parse_health_time(text, "--health-timeout"); }), HasSubstr("give a time"));
}

TEST(ParseEnvFile, keeps_quotes_and_trailing_blanks_and_drops_comments) {
  EXPECT_THAT(parse_env_file("\xef\xbb\xbf# comment\n\n  A=\"x y\" \nHOME\nUNSET\nB=a#b\r\nC=", "f", caller),
              ElementsAre("A=\"x y\" ", "HOME=/home/ada", "B=a#b", "C="));
}

TEST(ParseEnvFile, names_file_and_line_of_what_it_refuses) {
  EXPECT_THAT(usage_error([] { (void)parse_env_file("A=1\nB C=2", "vars", caller); }),
              HasSubstr("env file 'vars', line 2: variable 'B C' contains whitespaces"));
  EXPECT_THAT(usage_error([] { (void)parse_env_file("=x", "vars", caller); }), HasSubstr("line 1: no variable name"));
}

TEST(ParseVolume, tells_binds_volumes_and_anonymous_volumes_apart) {
  const MountRequest bind = parse_volume("/src:/dst", "/here");
  EXPECT_EQ(bind.type, MountType::Bind);
  EXPECT_EQ(bind.source, "/src");
  EXPECT_EQ(bind.target, "/dst");
  EXPECT_EQ(bind.missing_source, MissingSource::Create);
  EXPECT_EQ(bind.access, Access::ReadWrite);

  EXPECT_EQ(parse_volume("./src:/dst", "/here").source, "/here/./src");
  EXPECT_EQ(parse_volume("data:/dst", "/here").type, MountType::Volume);
  EXPECT_EQ(parse_volume("data:/dst", "/here").source, "data");
  EXPECT_EQ(parse_volume("/dst", "/here").type, MountType::Volume);
  EXPECT_EQ(parse_volume("/dst", "/here").source, "");
  EXPECT_EQ(parse_volume("/src:/a//b/./c/", "/here").target, "/a/b/c");
}

TEST(ParseVolume, reads_options) {
  EXPECT_EQ(parse_volume("/s:/d:ro", "/").access, Access::ReadOnly);
  EXPECT_EQ(parse_volume("/s:/d:ro,rslave", "/").propagation, "rslave");
  EXPECT_EQ(parse_volume("data:/d:nocopy", "/").populate, Populate::No);
  EXPECT_EQ(parse_volume("/s:/d:z,cached", "/").access, Access::ReadWrite);
}

TEST(ParseVolume, refuses_with_the_reason) {
  struct Row {
    const char* text;
    const char* reason;
  };
  for (const Row& row : {
           Row{"", "give [SOURCE:]TARGET[:OPTIONS]"},
           Row{":/d", "give [SOURCE:]TARGET[:OPTIONS]"},
           Row{"/s:", "give [SOURCE:]TARGET[:OPTIONS]"},
           Row{"/s:/d:ro:x", "give [SOURCE:]TARGET[:OPTIONS]"},
           Row{"/s:d", "is not absolute"},
           Row{"/s:/", "destination can't be '/'"},
           Row{"/s:/a/../b", "'..' in the path"},
           Row{"/s:/d:rx", "unknown option 'rx'"},
           Row{"/s:/d:nocopy", "unknown option 'nocopy'"},
           Row{"a b:/d", "is no volume name"},
           Row{"x:/d", "is no volume name"},
       })
    EXPECT_THAT(usage_error([&] { (void)parse_volume(row.text, "/"); }), HasSubstr(row.reason)) << row.text;
}

TEST(ParseMount, reads_every_field) {
  const MountRequest bind = parse_mount("type=bind,src=sub,dst=/d,readonly,bind-propagation=rshared", "/here");
  EXPECT_EQ(bind.type, MountType::Bind);
  EXPECT_EQ(bind.source, "/here/sub");
  EXPECT_EQ(bind.missing_source, MissingSource::Fail);
  EXPECT_EQ(bind.access, Access::ReadOnly);
  EXPECT_EQ(bind.propagation, "rshared");
  EXPECT_FALSE(parse_mount("type=bind,src=/s,dst=/d,bind-nonrecursive", "/").recursive);

  const MountRequest volume = parse_mount("source=data,target=/d,volume-nocopy=true,ro=false", "/");
  EXPECT_EQ(volume.type, MountType::Volume);
  EXPECT_EQ(volume.populate, Populate::No);
  EXPECT_EQ(volume.access, Access::ReadWrite);

  const MountRequest tmpfs = parse_mount("type=tmpfs,destination=/t,tmpfs-size=1m,tmpfs-mode=0700", "/");
  EXPECT_EQ(tmpfs.type, MountType::Tmpfs);
  EXPECT_THAT(tmpfs.tmpfs_options, ElementsAre("size=1048576", "mode=0700"));
}

TEST(ParseMount, refuses_with_the_reason) {
  struct Row {
    const char* text;
    const char* reason;
  };
  for (const Row& row : {
           Row{"type=nfs,target=/d", "none of bind, volume, tmpfs"},
           Row{"type=bind,source=/s", "'target' is missing"},
           Row{"type=bind,target=/d", "'source' is missing"},
           Row{"type=bind,source=/s,target=/d,tmpfs-size=1m", "only for type tmpfs"},
           Row{"type=tmpfs,source=/s,target=/d", "a tmpfs has no source"},
           Row{"type=tmpfs,target=/d,tmpfs-mode=999", "not an octal mode"},
           Row{"type=tmpfs,target=/d,tmpfs-size=big", "not a size"},
           Row{"type=bind,source=/s,target=/d,readonly=maybe", "true or false"},
           Row{"target=/d,colour=red", "unknown field 'colour'"},
           Row{"target=/d,,", "an empty field"},
       })
    EXPECT_THAT(usage_error([&] { (void)parse_mount(row.text, "/"); }), HasSubstr(row.reason)) << row.text;
}

TEST(ParseTmpfs, splits_off_the_options) {
  EXPECT_EQ(parse_tmpfs("/t").target, "/t");
  EXPECT_THAT(parse_tmpfs("/t:size=1m,exec").tmpfs_options, ElementsAre("size=1m", "exec"));
  EXPECT_THAT(usage_error([] { (void)parse_tmpfs("t"); }), HasSubstr("not absolute"));
}

TEST(ParseUlimit, takes_soft_and_hard_limits) {
  const oci::Rlimit both = parse_ulimit("nofile=100:200");
  EXPECT_EQ(both.type, "RLIMIT_NOFILE");
  EXPECT_EQ(both.soft, 100U);
  EXPECT_EQ(both.hard, 200U);
  EXPECT_EQ(parse_ulimit("core=0").hard, 0U);
  EXPECT_EQ(parse_ulimit("stack=-1").soft, RLIM_INFINITY);
  for (const char* text : {"nofile", "as=1", "nofile=2:1", "nofile=x", "nofile=1:2:3", "NOFILE=1", "nofile="})
    EXPECT_THAT(usage_error([&] { (void)parse_ulimit(text); }), HasSubstr("invalid ulimit")) << text;
}

TEST(ParseLabels, lets_the_last_one_win) {
  const auto labels = parse_labels({"a=1", "b", "a=2=3"});
  EXPECT_EQ(labels.at("a"), "2=3");
  EXPECT_EQ(labels.at("b"), "");
  EXPECT_THAT(usage_error([] { (void)parse_labels({"=x"}); }), HasSubstr("invalid label"));
}

TEST(SecurityOption, accepts_dockers_forms) {
  manager::SecurityRequest security;
  apply_security_option("no-new-privileges", security);
  EXPECT_TRUE(security.no_new_privileges);
  apply_security_option("no-new-privileges=false", security);
  EXPECT_FALSE(security.no_new_privileges);
  apply_security_option("no-new-privileges:true", security);
  EXPECT_TRUE(security.no_new_privileges);
  apply_security_option("seccomp=unconfined", security);
  EXPECT_TRUE(security.seccomp_unconfined);
  apply_security_option("seccomp=builtin", security);
  EXPECT_FALSE(security.seccomp_unconfined);
  apply_security_option("systempaths=unconfined", security);
  EXPECT_TRUE(security.system_paths_unconfined);
  for (const char* text : {"", "x", "seccomp=", "no-new-privileges=yes"})
    EXPECT_THROW(apply_security_option(text, security), Error) << text;
}

TEST(LogOption, sets_the_bounds_of_a_json_file_log) {
  state::LogConfig config;
  apply_log_option("max-size=500k", config);
  apply_log_option("max-file=5", config);
  EXPECT_EQ(config.max_size, 500'000U);
  EXPECT_EQ(config.max_file, 5U);
  EXPECT_EQ(config.options, (std::vector<std::string>{"max-size=500k", "max-file=5"}));
}

TEST(LogOption, takes_docker_s_default_mode_for_every_driver) {
  for (const state::LogDriver driver : {state::LogDriver::JsonFile, state::LogDriver::Journald}) {
    state::LogConfig config{.driver = driver};
    apply_log_option("mode=blocking", config);
    EXPECT_EQ(config.options, std::vector<std::string>{"mode=blocking"});
  }
}

TEST(LogOption, refuses_what_it_cannot_do_by_name) {
  state::LogConfig config;
  EXPECT_THAT(usage_error([&] { apply_log_option("max-size=-1", config); }), HasSubstr("would fill the disk"));
  EXPECT_THAT(usage_error([&] { apply_log_option("compress=true", config); }), HasSubstr("'compress'"));
  EXPECT_THAT(usage_error([&] { apply_log_option("max-size", config); }), HasSubstr("NAME=VALUE"));
  EXPECT_THAT(usage_error([&] { apply_log_option("mode=non-blocking", config); }), HasSubstr("only mode=blocking"));
  for (const char* name : {"max-buffer-size", "tag", "labels", "env"})
    EXPECT_THAT(usage_error([&] { apply_log_option(std::string(name) + "=x", config); }),
                HasSubstr(std::string("'") + name + "': json-file has max-size, max-file and mode"));
  for (const char* text : {"max-size=", "max-size=0", "max-size=x", "max-size=10x", "max-file=0", "max-file=101",
                           "max-file=-1", "max-file=x"})
    EXPECT_THAT(usage_error([&] { apply_log_option(text, config); }), HasSubstr("invalid --log-opt")) << text;
  config.driver = state::LogDriver::Journald;
  EXPECT_THAT(usage_error([&] { apply_log_option("max-size=1m", config); }), HasSubstr("'journald'"));
  EXPECT_EQ(config.max_size, state::LogConfig().max_size);
}

TEST(ParseLogDriver, knows_the_four) {
  EXPECT_EQ(parse_log_driver("json-file"), state::LogDriver::JsonFile);
  EXPECT_EQ(parse_log_driver("passthrough"), state::LogDriver::Passthrough);
  EXPECT_THAT(usage_error([] { (void)parse_log_driver("syslog"); }), HasSubstr("'syslog'"));
}

TEST(ParseCondition, ends_the_key_at_the_first_equals_sign) {
  const Condition condition = parse_condition("label=tier=front", {"label", "until"});
  EXPECT_EQ(condition.key, "label");
  EXPECT_EQ(condition.value, "tier=front");
  EXPECT_THAT(usage_error([] { (void)parse_condition("label", {"label"}); }), HasSubstr("give KEY=VALUE"));
  EXPECT_THAT(usage_error([] {
                (void)parse_condition("colour=red", {"label", "until"});
              }),
              HasSubstr("invalid filter 'colour': there are: label, until"));
}

TEST(ParsePointInTime, names_the_option_and_the_forms) {
  EXPECT_EQ(parse_point_in_time("10", "--since", SystemTime()), SystemTime(std::chrono::seconds(10)));
  const std::string error = usage_error([] { (void)parse_point_in_time("noon", "--since", SystemTime()); });
  EXPECT_THAT(error, HasSubstr("'noon' for '--since'"));
  EXPECT_THAT(error, HasSubstr("1h30m"));
}

TEST(CheckHostname, takes_what_the_kernel_and_resolvers_take) {
  EXPECT_NO_THROW(check_hostname("web-1.example.org"));
  for (const char* text : {"", "-x", ".x", "a b", "a_b"}) EXPECT_THROW(check_hostname(text), Error) << text;
  EXPECT_NO_THROW(check_hostname(std::string(64, 'a')));
  EXPECT_THROW(check_hostname(std::string(65, 'a')), Error);
}

}  // namespace
}  // namespace myct::cli
