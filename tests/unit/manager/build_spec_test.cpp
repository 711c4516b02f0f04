#include "build_spec.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "myct/base/error.hpp"

namespace myct::manager {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;

class BuildSpec : public ::testing::Test {
 protected:
  RunRequest request_{.image = "alpine", .command = {"true"}};
  oci::ImageConfig image_;
  ResolvedUser user_{.home = "/root"};
  std::vector<oci::Mount> mounts_;
  MappedDevices devices_;
  std::string cgroup_parent_;
  oci::Resources limits_;

  [[nodiscard]] oci::Spec build() const {
    return build_spec({.request = request_,
                       .image = image_,
                       .id = std::string(64, 'a'),
                       .default_hostname = "aaaaaaaaaaaa",
                       .container_directory = "/c",
                       .name_files_directory = "/c",
                       .lowerdirs = {"/l/top", "/l/base"},
                       .user = user_,
                       .mounts = mounts_,
                       .host_devices = {{.path = "/dev/kvm", .type = "c", .major = 10, .minor = 232}},
                       .devices = devices_,
                       .cgroup_parent = cgroup_parent_,
                       .limits = limits_,
                       .masked_paths = {"/proc/kcore"},
                       .readonly_paths = {"/proc/sys"},
                       .init_path = "/r/init"});
  }

  [[nodiscard]] std::vector<std::string> destinations() const {
    std::vector<std::string> names;
    for (const oci::Mount& mount : build().mounts) names.push_back(mount.destination);
    return names;
  }

  [[nodiscard]] std::vector<std::string> namespaces() const {
    std::vector<std::string> types;
    for (const oci::Namespace& space : build().linux_.namespaces) types.push_back(space.type);
    return types;
  }
};

TEST_F(BuildSpec, describes_the_root_as_an_overlay_with_the_topmost_layer_first) {
  const oci::Mount overlay = build().mounts.front();
  EXPECT_EQ(overlay.destination, "/");
  EXPECT_EQ(overlay.type, "overlay");
  EXPECT_THAT(overlay.options,
              ElementsAre("lowerdir+=/l/top", "lowerdir+=/l/base", "upperdir=/c/upper", "workdir=/c/work", "nodev"));
  request_.remove = true;
  EXPECT_THAT(build().mounts.front().options, Contains("volatile"));
}

TEST_F(BuildSpec, isolates_everything_and_opens_the_network_only_on_request) {
  EXPECT_THAT(namespaces(), ElementsAre("mount", "uts", "pid", "ipc", "cgroup", "network"));
  request_.network = NetworkMode::Host;
  EXPECT_THAT(namespaces(), Not(Contains("network")));
  EXPECT_THAT(build().linux_.sysctl, IsEmpty());
}

TEST_F(BuildSpec, layers_the_environment_as_docker_does) {
  image_.env = {"PATH=/img", "LANG=C"};
  request_.env = {"LANG=de", "X=1"};
  request_.tty = true;
  EXPECT_THAT(build().process.env,
              ElementsAre("PATH=/img", "HOSTNAME=aaaaaaaaaaaa", "TERM=xterm", "LANG=de", "X=1", "HOME=/root"));
  request_.env = {"HOME=/elsewhere"};
  EXPECT_THAT(build().process.env, Not(Contains("HOME=/root")));
}

TEST_F(BuildSpec, lets_a_users_mount_take_the_place_of_a_default_one) {
  mounts_ = {{"/dev/shm", "tmpfs", "tmpfs", {}}, {"/etc/hosts", "bind", "/h", {"rbind"}}};
  const std::vector<std::string> names = destinations();
  EXPECT_EQ(std::count(names.begin(), names.end(), "/dev/shm"), 1);
  EXPECT_EQ(std::count(names.begin(), names.end(), "/etc/hosts"), 1);
  mounts_ = {{"/dev", "bind", "/dev", {"rbind"}}};
  EXPECT_THAT(destinations(), Not(Contains("/dev/pts")));
}

TEST_F(BuildSpec, mounts_parents_before_children) {
  mounts_ = {{"/x/y/z", "bind", "/1", {"bind"}}, {"/x", "bind", "/2", {"bind"}}};
  const std::vector<std::string> names = destinations();
  EXPECT_LT(std::find(names.begin(), names.end(), "/x"), std::find(names.begin(), names.end(), "/x/y/z"));
}

TEST_F(BuildSpec, gives_privileged_containers_everything) {
  request_.security.privileged = true;
  const oci::Spec spec = build();
  EXPECT_THAT(spec.linux_.masked_paths, IsEmpty());
  EXPECT_THAT(spec.linux_.readonly_paths, IsEmpty());
  EXPECT_FALSE(spec.linux_.seccomp.has_value());
  EXPECT_EQ(spec.linux_.devices.size(), 1U);
  EXPECT_THAT(spec.process.capabilities->bounding, Contains("CAP_SYS_ADMIN"));
}

TEST_F(BuildSpec, lets_no_device_be_opened_but_the_nodes_in_dev) {
  mounts_ = {{"/x", "bind", "/1", {"bind"}}};
  for (const oci::Mount& mount : build().mounts) {
    if (mount.destination == "/x") {
      EXPECT_THAT(mount.options, Contains("rnodev"));
    }
    if (mount.destination == "/" || mount.destination == "/dev") {
      EXPECT_THAT(mount.options, Contains("nodev"));
    }
  }
  request_.security.privileged = true;
  for (const oci::Mount& mount : build().mounts) {
    EXPECT_THAT(mount.options, Not(Contains("rnodev"))) << mount.destination;
    if (mount.destination == "/" || mount.destination == "/dev") {
      EXPECT_THAT(mount.options, Not(Contains("nodev")));
    }
  }
}

TEST_F(BuildSpec, protects_ordinary_containers) {
  const oci::Spec spec = build();
  EXPECT_TRUE(spec.linux_.seccomp.has_value());
  EXPECT_THAT(spec.linux_.devices, IsEmpty());
  EXPECT_THAT(spec.linux_.masked_paths, ElementsAre("/proc/kcore"));
  EXPECT_THAT(spec.process.capabilities->bounding, Not(Contains("CAP_SYS_ADMIN")));
  EXPECT_THAT(spec.process.capabilities->ambient, IsEmpty());
}

TEST_F(BuildSpec, puts_the_init_in_front_of_the_command) {
  request_.init = true;
  EXPECT_THAT(build().process.args, ElementsAre("/sbin/docker-init", "--", "true"));
  EXPECT_EQ(build().mounts.back().source, "/r/init");
}

TEST_F(BuildSpec, passes_limits_and_the_place_of_the_control_group_on) {
  EXPECT_EQ(build().linux_.cgroups_path, "myct/" + std::string(64, 'a'));
  cgroup_parent_ = "/jobs/night";
  request_.cgroup_view = CgroupView::Host;
  request_.oom_score_adj = 300;
  request_.shm_size = 1 << 20;
  limits_.memory.limit = 512 << 20;
  const oci::Spec spec = build();
  EXPECT_EQ(spec.linux_.cgroups_path, "/jobs/night/" + std::string(64, 'a'));
  EXPECT_THAT(namespaces(), Not(Contains("cgroup")));
  EXPECT_EQ(spec.process.oom_score_adj, 300);
  EXPECT_EQ(spec.linux_.resources.memory.limit, 512 << 20);
  const auto shm =
      std::ranges::find_if(spec.mounts, [](const oci::Mount& mount) { return mount.destination == "/dev/shm"; });
  EXPECT_THAT(shm->options, Contains("size=1048576"));
  cgroup_parent_ = "jobs.slice";
  EXPECT_EQ(build().linux_.cgroups_path, "jobs.slice:myct:" + std::string(64, 'a'));
}

TEST_F(BuildSpec, allows_the_users_devices_after_all_other_rules) {
  devices_ = {.nodes = {{.path = "/dev/kvm", .type = "c", .major = 10, .minor = 232}},
              .rules = {{.allow = true, .type = "c", .major = 10, .minor = 232, .access = "r"}}};
  request_.device_rules = {"b 8:* rm"};
  const oci::Linux section = build().linux_;
  ASSERT_EQ(section.devices.size(), 1U);
  ASSERT_GE(section.resources.devices.size(), 2U);
  const oci::DeviceRule& first = *(section.resources.devices.end() - 2);
  EXPECT_EQ(first.minor, 232);
  EXPECT_EQ(first.access, "r");
  const oci::DeviceRule& second = section.resources.devices.back();
  EXPECT_TRUE(second.allow);
  EXPECT_EQ(second.type, "b");
  EXPECT_EQ(second.major, 8);
  EXPECT_EQ(second.minor, std::nullopt);
  EXPECT_EQ(second.access, "rm");
}

TEST_F(BuildSpec, lets_a_users_device_take_the_place_of_the_hosts_in_a_privileged_container) {
  request_.security.privileged = true;
  devices_.nodes = {{.path = "/dev/kvm", .type = "c", .major = 1, .minor = 3},
                    {.path = "/dev/other", .type = "c", .major = 1, .minor = 3}};
  const std::vector<oci::Device> nodes = build().linux_.devices;
  ASSERT_EQ(nodes.size(), 2U);
  EXPECT_EQ(nodes[0].major, 1);
}

TEST_F(BuildSpec, survives_the_way_to_json_and_back) {
  request_.ulimits = {{.type = "RLIMIT_NOFILE", .hard = 20, .soft = 10}};
  const std::string text = oci::to_json(build());
  EXPECT_EQ(oci::to_json(oci::spec_from_json(text, "config.json")), text);
}

struct CommandRow {
  const char* name;
  std::vector<std::string> image_entrypoint;
  std::vector<std::string> image_cmd;
  std::optional<std::vector<std::string>> entrypoint;
  std::vector<std::string> command;
  std::vector<std::string> expected;
};

TEST(CommandLine, combines_entrypoint_and_command_as_docker_does) {
  const std::vector<CommandRow> rows = {
      {"image only", {"e"}, {"c"}, std::nullopt, {}, {"e", "c"}},
      {"command replaces cmd", {"e"}, {"c"}, std::nullopt, {"x"}, {"e", "x"}},
      {"entrypoint clears cmd", {"e"}, {"c"}, std::vector<std::string>{"n"}, {}, {"n"}},
      {"both", {"e"}, {"c"}, std::vector<std::string>{"n"}, {"x"}, {"n", "x"}},
      {"empty entrypoint", {"e"}, {"c"}, std::vector<std::string>{}, {"x"}, {"x"}},
  };
  for (const CommandRow& row : rows) {
    const RunRequest request{.image = "i", .command = row.command, .entrypoint = row.entrypoint};
    const oci::ImageConfig image{.entrypoint = row.image_entrypoint, .cmd = row.image_cmd};
    EXPECT_EQ(command_line(request, image), row.expected) << row.name;
  }
  EXPECT_THROW((void)command_line({.image = "i"}, {}), Error);
}

}  // namespace
}  // namespace myct::manager
