// The members "mounts" and "linux" of an OCI configuration (config.md, config-linux.md).
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "oci.hpp"

namespace myct::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class OciLinux : public OciTest {
 protected:
  static void set_namespace(Json& config, const std::string& type, const std::string& path = {}) {
    Json& list = config["linux"]["namespaces"];
    for (size_t index = 0; index < list.size(); ++index)
      if (list[index]["type"] == type) list.erase(index--);
    Json space = {{"type", type}};
    if (!path.empty()) space["path"] = path;
    list.push_back(space);
  }

  static void drop_namespace(Json& config, const std::string& type) {
    set_namespace(config, type);
    config["linux"]["namespaces"].erase(config["linux"]["namespaces"].size() - 1);
  }

  /// The first 65536 ids there are those from 100000 on here, to which the root file system is given.
  void enter_user_namespace(Json& config) const {
    set_namespace(config, "user");
    const Json mapping = {{{"containerID", 0}, {"hostID", 100000}, {"size", 65536}}};
    config["linux"]["uidMappings"] = mapping;
    config["linux"]["gidMappings"] = mapping;
    ASSERT_EQ(Process(Command{.argv = {"/bin/chown", "-hR", "100000:100000", rootfs()}}).wait().status, 0);
    for (std::string directory = rootfs(); directory.size() > 1; directory.resize(directory.find_last_of('/')))
      if (directory.find("myct-test") != std::string::npos) ::chmod(directory.c_str(), 0755);
  }

  static void mount(Json& config, const std::string& destination, const std::string& type, const std::string& source,
                    const Words& options) {
    config["mounts"].push_back(
        {{"destination", destination}, {"type", type}, {"source", source}, {"options", options}});
  }
};

std::string own_namespace(const std::string& type) {
  char target[64] = {};
  (void)!::readlink(("/proc/self/ns/" + type).c_str(), target, sizeof target - 1);
  return target;
}

TEST_F(OciLinux, makes_the_namespaces_that_are_listed_and_shares_the_others) {
  for (const char* type : {"pid", "ipc", "uts", "cgroup", "time", "net"}) {
    const std::string name = type == std::string("net") ? "network" : type;
    const auto read = [&] { return std::string("readlink /proc/self/ns/") + type; };
    const Result made = run_script(read(), [&](Json& config) { set_namespace(config, name); });
    EXPECT_EQ(made.status, 0) << made;
    EXPECT_NE(made.out, own_namespace(type) + "\n") << type;
    const Result shared = run_script(read(), [&](Json& config) {
      drop_namespace(config, name);
      if (name == "uts") config.erase("hostname");
      if (name == "network")  // sysfs shows the network, and is its owner's to mount
        for (auto& mount : config["mounts"])
          if (mount["type"] == "sysfs") mount["options"].push_back("rw");
    });
    EXPECT_TRUE(prints(shared, own_namespace(type) + "\n")) << type;
  }
}

TEST_F(OciLinux, enters_namespaces_by_their_paths) {
  create(config({"sleep", "1000"}));
  const std::string pid = read_file(path("pid"));
  for (const char* type : {"pid", "ipc", "uts", "net"}) {
    const std::string name = type == std::string("net") ? "network" : type;
    Json wanted = config({"readlink", std::string("/proc/self/ns/") + type});
    set_namespace(wanted, name, "/proc/" + pid + "/ns/" + type);
    if (name == "uts") wanted.erase("hostname");
    save(wanted);
    char other[64] = {};
    (void)!::readlink(("/proc/" + pid + "/ns/" + type).c_str(), other, sizeof other - 1);
    EXPECT_TRUE(prints(oci({"run", "--bundle", bundle(), "d"}), std::string(other) + "\n")) << type;
  }
  Json wrong = config({"true"});
  set_namespace(wrong, "network", "/proc/self/ns/ipc");
  save(wrong);
  EXPECT_THAT(oci({"run", "--bundle", bundle(), "d"}).err, HasSubstr("'/proc/self/ns/ipc' is no network namespace"));
  set_namespace(wrong, "network", "/no/such");
  save(wrong);
  EXPECT_THAT(oci({"run", "--bundle", bundle(), "d"}).err, HasSubstr("'/no/such'"));
}

TEST_F(OciLinux, refuses_a_namespace_that_is_there_twice_or_unknown) {
  EXPECT_TRUE(fails_with(run_script("true",
                                    [](Json& config) {
                                      config["linux"]["namespaces"].push_back({{"type", "pid"}});
                                    }),
                         1, "linux.namespaces: 'pid' is there twice"));
  EXPECT_TRUE(fails_with(run_script("true",
                                    [](Json& config) {
                                      config["linux"]["namespaces"].push_back({{"type", "other"}});
                                    }),
                         1, "linux.namespaces: type 'other' is not supported"));
}

TEST_F(OciLinux, maps_users_in_a_user_namespace) {
  const Result result = run_script("id -u; cat /proc/self/uid_map; echo x > /made; echo > /dev/null && echo opened",
                                   [&](Json& config) { enter_user_namespace(config); });
  EXPECT_TRUE(prints(result, "0\n         0     100000      65536\nopened\n"));
  struct stat made {};
  ASSERT_EQ(::stat((rootfs() + "/made").c_str(), &made), 0);
  EXPECT_EQ(made.st_uid, 100000U);
  const Result none = run_script("true", [](Json& config) { set_namespace(config, "user"); });
  EXPECT_TRUE(fails_with(none, 1, "a new user namespace needs uidMappings and gidMappings"));
}

TEST_F(OciLinux, makes_the_others_inside_a_user_namespace_that_it_enters) {
  Json first = config({"sleep", "1000"});
  enter_user_namespace(first);
  create(first);
  Json second = config({"sh", "-c", "id -u; echo $$; hostname"});
  enter_user_namespace(second);
  set_namespace(second, "user", "/proc/" + read_file(path("pid")) + "/ns/user");
  second["linux"].erase("uidMappings");
  second["linux"].erase("gidMappings");
  save(second);
  EXPECT_TRUE(prints(oci({"run", "--bundle", bundle(), "d"}), "0\n1\nbundle\n"));
}

TEST_F(OciLinux, shifts_the_clocks_of_a_time_namespace) {
  const Result result = run_script("cut -d . -f 1 /proc/uptime", [](Json& config) {
    set_namespace(config, "time");
    config["linux"]["timeOffsets"] = {{"boottime", {{"secs", 500000000}, {"nanosecs", 5}}}};
  });
  EXPECT_GE(std::atol(result.out.c_str()), 500000000) << result;
  const Result alone = run_script("true", [](Json& config) {
    config["linux"]["timeOffsets"] = {{"boottime", {{"secs", 1}}}};
  });
  EXPECT_TRUE(fails_with(alone, 1, "linux.timeOffsets needs a new time namespace"));
}

TEST_F(OciLinux, mounts_in_order_with_their_options) {
  make_directory("source");
  write_file("source/file", "text\n");
  const Result result =
      run_script("cat /a/file; touch /a/new 2>&1; grep ' /b ' /proc/self/mounts; ls /b/c", [&](Json& config) {
        mount(config, "/a", "bind", path("source"), {"bind", "ro", "nosuid", "noexec"});
        mount(config, "/b", "tmpfs", "tmpfs", {"size=64k", "mode=0700", "nodev", "noatime"});
        mount(config, "/b/c", "", path("source"), {"rbind"});
      });
  EXPECT_THAT(result.out, HasSubstr("text\ntouch: /a/new: Read-only file system\n")) << result;
  EXPECT_THAT(result.out, HasSubstr("tmpfs /b tmpfs rw,nodev,noatime,size=64k,mode=700"));
  EXPECT_THAT(result.out, HasSubstr("file\n"));
}

TEST_F(OciLinux, applies_recursive_options_to_what_is_mounted_below) {
  make_directory("tree");
  make_directory("tree/below");
  const auto run_with = [&](const char* option) {
    Json wanted = config({"sh", "-c", "touch /t/below/x 2>&1"});
    mount(wanted, "/t", "bind", path("tree"), {"rbind", option});
    save(wanted);
    Command running = oci_command({"run", "--bundle", bundle(), "c"});
    const std::string below = path("tree/below");
    // The mount is that of a mount namespace which ends with the command.
    running.before_exec = [&] {
      if (::unshare(CLONE_NEWNS) == -1 || ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == -1 ||
          ::mount("tmpfs", below.c_str(), "tmpfs", 0, nullptr) == -1)
        ::_exit(96);
    };
    return Process(running).wait();
  };
  EXPECT_THAT(run_with("rro").out, HasSubstr("Read-only file system"));
  EXPECT_TRUE(prints(run_with("ro"), ""));
}

TEST_F(OciLinux, begins_a_tmpfs_with_a_copy_of_what_it_covers) {
  make_directory("bundle/rootfs/full");
  make_directory("bundle/rootfs/full/d");
  write_file("bundle/rootfs/full/d/file", "text\n", 0666);
  ASSERT_EQ(::chown((rootfs() + "/full/d/file").c_str(), 3, 4), 0);
  ASSERT_EQ(::symlink("d/file", (rootfs() + "/full/link").c_str()), 0);
  const Result result = run_script("cat /full/link; stat -c '%u:%g %a' /full/d/file; echo new > /full/d/file",
                                   [](Json& config) { mount(config, "/full", "tmpfs", "tmpfs", {"tmpcopyup"}); });
  EXPECT_TRUE(prints(result, "text\n3:4 666\n"));
  EXPECT_EQ(read_file(rootfs() + "/full/d/file"), "text\n");
}

TEST_F(OciLinux, shows_other_owners_on_an_idmapped_mount) {
  make_directory("owned");
  write_file("owned/file", "");
  const Json mapping = {{{"containerID", 0}, {"hostID", 1000}, {"size", 10}}};
  const Result result = run_script("stat -c %u:%g /m/file", [&](Json& config) {
    mount(config, "/m", "bind", path("owned"), {"bind"});
    config["mounts"].back()["uidMappings"] = mapping;
    config["mounts"].back()["gidMappings"] = mapping;
  });
  EXPECT_TRUE(prints(result, "1000:1000\n"));
  const Result users = run_script("stat -c %u:%g /m/file; echo > /m/made", [&](Json& config) {
    enter_user_namespace(config);
    mount(config, "/m", "bind", path("owned"), {"rbind", "idmap"});
  });
  EXPECT_TRUE(prints(users, "0:0\n"));
  struct stat made {};
  ASSERT_EQ(::stat(path("owned/made").c_str(), &made), 0);
  EXPECT_EQ(made.st_uid, 0U);
}

TEST_F(OciLinux, makes_devices_and_links) {
  const Result result = run_script(
      "for d in null zero full random urandom tty; do test -c /dev/$d || echo no $d; done;"
      "for l in fd stdin stdout stderr ptmx; do test -L /dev/$l || echo no $l; done; stat -c '%t:%T %a %u:%g' /dev/own",
      [](Json& config) {
        config["linux"]["devices"] = Json::array({{{"path", "/dev/own"},
                                                   {"type", "c"},
                                                   {"major", 1},
                                                   {"minor", 3},
                                                   {"fileMode", 432},
                                                   {"uid", 5},
                                                   {"gid", 6}}});
      });
  EXPECT_TRUE(prints(result, "1:3 660 5:6\n"));
}

TEST_F(OciLinux, hides_and_protects_paths) {
  make_directory("bundle/rootfs/hidden");
  write_file("bundle/rootfs/hidden/file", "secret");
  write_file("bundle/rootfs/secret", "secret");
  const Result result = run_script("ls /hidden; cat /secret; touch /kept/x 2>&1", [&](Json& config) {
    make_directory("bundle/rootfs/kept");
    config["linux"]["maskedPaths"] = {"/hidden", "/secret", "/no/such"};
    config["linux"]["readonlyPaths"] = {"/kept", "/no/such"};
  });
  EXPECT_EQ(result.out, "touch: /kept/x: Read-only file system\n") << result;
}

TEST_F(OciLinux, has_a_readonly_root_sysctls_and_names) {
  const Result result = run_script(
      "touch /x 2>&1; cat /proc/sys/net/ipv4/ip_forward; hostname; cat /proc/sys/kernel/domainname", [](Json& config) {
        config["root"]["readonly"] = true;
        config["linux"]["sysctl"] = {{"net.ipv4.ip_forward", "1"}};
        config["domainname"] = "example";
      });
  EXPECT_EQ(result.out, "touch: /x: Read-only file system\n1\nbundle\nexample\n") << result;
}

TEST_F(OciLinux, has_its_personality) {
  if (Process(Command{.argv = {"/bin/uname", "-m"}}).wait().out != "x86_64\n") GTEST_SKIP() << "another architecture";
  EXPECT_TRUE(prints(run_script("uname -m",
                                [](Json& config) {
                                  config["linux"]["personality"] = {{"domain", "LINUX32"}};
                                }),
                     "i686\n"));
}

TEST_F(OciLinux, propagates_mounts_as_its_root_says) {
  const auto read = [&](const char* propagation) {
    return run_script(
        "sed -n 's,.* / / .* \\(shared\\|master\\|unbindable\\).*,\\1,p; ' /proc/self/mountinfo | head -1; "
        "grep ' / ' /proc/self/mountinfo | head -1",
        [&](Json& config) { config["linux"]["rootfsPropagation"] = propagation; });
  };
  EXPECT_THAT(read("shared").out, HasSubstr(" shared:"));
  EXPECT_THAT(read("unbindable").out, HasSubstr(" unbindable"));
  EXPECT_THAT(read("private").out, Not(HasSubstr("shared:")));
  EXPECT_EQ(read("other").status, 1);
}

TEST_F(OciLinux, refuses_what_it_cannot_do) {
  EXPECT_TRUE(fails_with(run_script("true",
                                    [](Json& config) {
                                      config["linux"]["intelRdt"] = {{"closID", "x"}};
                                    }),
                         1, "linux.intelRdt is not supported"));
  EXPECT_TRUE(fails_with(run_script("true", [](Json& config) { config["ociVersion"] = "2.0.0"; }), 1,
                         "ociVersion '2.0.0' is not supported"));
  EXPECT_TRUE(fails_with(run_script("true", [](Json& config) { config["ociVersion"] = "nonsense"; }), 1,
                         "ociVersion 'nonsense' is not supported"));
  EXPECT_TRUE(fails_with(run_script("true", [](Json& config) { config.erase("root"); }), 1, "root.path is missing"));
  EXPECT_TRUE(fails_with(run_script("true", [](Json& config) { config["root"]["path"] = "nosuch"; }), 1, "nosuch"));
  EXPECT_TRUE(fails_with(run_script("true", [](Json& config) { mount(config, "relative", "tmpfs", "tmpfs", {}); }), 1,
                         "mount 'relative': the destination is not an absolute path"));
}

TEST_F(OciLinux, ignores_what_it_does_not_know) {
  EXPECT_TRUE(prints(run_script("echo ran",
                                [](Json& config) {
                                  config["newer"] = {{"member", 1}};
                                  config["linux"]["newer"] = true;
                                  config["annotations"] = {{"unknown", "value"}};
                                }),
                     "ran\n"));
}

class OciLimits : public OciLinux {};

TEST_F(OciLimits, are_those_of_its_control_group) {
  const auto group = [&](const std::string& path) {
    return run_script("grep ^0:: /proc/self/cgroup", [&](Json& config) {
      if (!path.empty()) config["linux"]["cgroupsPath"] = path;
    });
  };
  EXPECT_THAT(group("").out, HasSubstr("/myct/c\n"));
  EXPECT_TRUE(prints(group("/myct-test-oci/below"), "0::/myct-test-oci/below\n"));
  EXPECT_THAT(group("myct-test-oci").out, HasSubstr("/myct-test-oci\n"));
  const Result limited = run_script("cat /sys/fs/cgroup/pids.max 2>&1", [](Json& config) {
    set_namespace(config, "cgroup");
    mount(config, "/sys/fs/cgroup", "cgroup", "cgroup", {"ro"});
    config["linux"]["resources"] = {{"pids", {{"limit", 50}}}};
  });
  if (limited.status == 0)
    EXPECT_EQ(limited.out, "50\n") << limited;
  else
    EXPECT_THAT(limited.err, HasSubstr("cannot limit processes: the pids controller"));
  // What means "none" is none, on any host.
  EXPECT_TRUE(prints(run_script("echo ran",
                                [](Json& config) {
                                  config["linux"]["resources"] = {{"pids", {{"limit", -1}}},
                                                                  {"cpu", {{"shares", 1024}, {"quota", 0}}},
                                                                  {"memory", {{"limit", 0}, {"swap", 0}}}};
                                }),
                     "ran\n"));
}

TEST_F(OciLinux, filters_system_calls) {
  const Result result = run_script("mkdir /x 2>&1", [](Json& config) {
    config["linux"]["seccomp"] = {
        {"defaultAction", "SCMP_ACT_ALLOW"},
        {"syscalls", Json::array({{{"names", {"mkdir", "mkdirat"}}, {"action", "SCMP_ACT_ERRNO"}, {"errnoRet", 28}}})}};
  });
  EXPECT_THAT(result.out, HasSubstr("No space left on device")) << result;
}

TEST_F(OciLinux, leaves_system_calls_to_who_listens) {
  const DescriptorSocket listener(path("listener"));
  Json wanted = config({"true"});
  wanted["linux"]["seccomp"] = {{"defaultAction", "SCMP_ACT_ALLOW"},
                                {"listenerPath", path("listener")},
                                {"listenerMetadata", "told"},
                                {"syscalls", Json::array({{{"names", {"swapon"}}, {"action", "SCMP_ACT_NOTIFY"}}})}};
  save(wanted);
  Process running(oci_command({"run", "--bundle", bundle(), "c"}));
  const DescriptorSocket::Received received = listener.receive();
  ASSERT_NE(received.text, "");
  EXPECT_TRUE(received.fd.valid()) << "no descriptor came";
  const Json told = Json::parse(received.text);
  EXPECT_EQ(told["metadata"], "told");
  EXPECT_EQ(told["fds"][0], "seccompFd");
  EXPECT_EQ(told["state"]["id"], "c");
  EXPECT_EQ(running.wait().status, 0);
}

}  // namespace
}  // namespace myct::test
