// Ways out of a container, each named by what it abuses. Every test fails when its defence is taken away.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cstdlib>

#include "myct/base/fd.hpp"
#include "sandbox.hpp"

namespace myct::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr int kDescriptorsTried = 24;
constexpr int kProbeStatus = 42;

class Attacks : public ContainerTest {
 protected:
  /// An image of the busybox tarball with what `change`, a shell command run in its root directory, makes of it.
  void import_changed(const std::string& name, const std::string& change) const {
    const std::string tree = make_directory(name);
    const std::string tarball = path(name + ".tar");
    const std::string script =
        "cd '" + tree + "' && tar -xzf '" + busybox_tarball() + "' && " + change + " && tar -cf '" + tarball + "' .";
    ASSERT_EQ(std::system(script.c_str()), 0);
    ASSERT_EQ(myct({"import", tarball, name}).status, 0);
  }

  /// The host's probe as a path from descriptor `number`, if that is a directory anywhere on the host.
  static std::string host_probe_through(int number) {
    return "/proc/self/fd/" + std::to_string(number) + "/../../../../../../../../../../../.." + probe_path();
  }
};

// CVE-2024-21626: a directory of the host that is open in the runtime, or that its caller left open.
TEST_F(Attacks, cannot_run_a_program_of_the_host_through_an_open_descriptor) {
  const Fd left_open(::open("/", O_RDONLY | O_DIRECTORY));
  ASSERT_EQ(::fcntl(left_open.get(), F_SETFD, 0), 0);
  for (int number = 3; number < kDescriptorsTried; ++number) {
    const Result result = myct({"run", "--rm", "busybox", host_probe_through(number), "exit", "42"});
    EXPECT_THAT(result.status, Not(kProbeStatus)) << "descriptor " << number << ": " << result;
  }
}

TEST_F(Attacks, cannot_run_a_program_of_the_host_through_a_link_in_the_image) {
  std::string links = "true";
  for (int number = 3; number < kDescriptorsTried; ++number)
    links += " && ln -s '" + host_probe_through(number) + "' bin/link" + std::to_string(number);
  import_changed("linked", links);
  for (int number = 3; number < kDescriptorsTried; ++number) {
    const Result result = myct({"run", "--rm", "linked", "link" + std::to_string(number), "exit", "42"});
    EXPECT_THAT(result.status, Not(kProbeStatus)) << "descriptor " << number << ": " << result;
  }
}

TEST_F(Attacks, cannot_take_a_directory_of_the_host_as_working_directory) {
  for (int number = 3; number < kDescriptorsTried; ++number) {
    const Result result =
        myct({"run", "--rm", "-w", "/proc/self/fd/" + std::to_string(number), "busybox", "test", "-e", probe_path()});
    EXPECT_NE(result.status, 0) << "descriptor " << number;
  }
}

// CVE-2019-5736: the runtime made to execute itself, where the container can then write to it.
TEST_F(Attacks, cannot_make_myct_execute_itself) {
  import_changed("reflexive",
                 "ln -s /proc/self/exe bin/own-link && printf '#!/proc/self/exe\\n' >bin/own-script && "
                 "printf '#!/bin/own-script\\n' >bin/own-twice && chmod 755 bin/own-script bin/own-twice");
  for (const char* program : {"/proc/self/exe", "own-link", "own-script", "own-twice"}) {
    const Result result = myct({"run", "--rm", "reflexive", program, "--version"});
    EXPECT_EQ(result.status, 126) << program << ": " << result;
    EXPECT_THAT(result.err, HasSubstr("it is the container runtime itself")) << program;
  }
}

// CAP_MKNOD is among Docker's default capabilities; opening what it makes must not be possible anywhere.
TEST_F(Attacks, cannot_open_a_device_that_was_made_inside) {
  const std::string shared = make_directory("shared");
  const Result result = shell({"-v", shared + ":/bound", "-v", "/volume"},
                              "for place in / /dev /tmp /bound /volume /run; do "
                              "  mknod $place/zero c 1 5 || continue; "
                              "  head -c 1 $place/zero >/dev/null 2>&1 && echo opened in $place; "
                              "done; head -c 1 /dev/zero | wc -c");
  EXPECT_EQ(result.status, 0) << result;
  EXPECT_EQ(result.out, "1\n") << result;
}

TEST_F(Attacks, cannot_have_an_endless_passwd_file_read) {
  import_changed("endless", "rm -f etc/passwd && mknod etc/passwd c 1 5");
  const Result result = myct({"run", "--rm", "endless", "true"});
  EXPECT_EQ(result.status, 125);
  EXPECT_THAT(result.err, HasSubstr("'/etc/passwd' of the image is not a file"));
}

// CVE-2021-41091: setuid programs of containers within reach of the host's users.
TEST_F(Attacks, cannot_be_helped_by_an_ordinary_user_of_the_host) {
  ASSERT_EQ(shell({"-v", "/data"}, "true").status, 0);
  for (const std::string& directory : {root(), runtime_dir()}) {
    struct stat status {};
    ASSERT_EQ(::stat(directory.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777, 0700U) << directory;
  }
}

// CVE-2019-19921: /proc in the image as a link, so that what is mounted and masked there lands elsewhere.
TEST_F(Attacks, cannot_move_proc_by_a_link_in_the_image) {
  import_changed("moved", "rm -rf proc && mkdir elsewhere && ln -s elsewhere proc");
  const Result result = myct({"run", "--rm", "moved", "true"});
  EXPECT_EQ(result.status, 125);
  EXPECT_THAT(result.err, HasSubstr("/proc"));
}

// CVE-2019-16884: what is masked in /proc and written there goes to a file system of the container's choice.
TEST_F(Attacks, cannot_mount_over_proc) {
  for (const char* target : {"/proc", "/proc/sys", "/proc/self"}) {
    const Result result = myct({"run", "--rm", "--tmpfs", target, "busybox", "true"});
    EXPECT_EQ(result.status, 125) << target;
    EXPECT_EQ(result.err,
              "myct: cannot mount on '" + std::string(target) + "': /proc of a container is the kernel's\n");
  }
  EXPECT_EQ(shell({"-v", write_file("info", "x") + ":/proc/meminfo"}, "grep -qx x /proc/meminfo").status, 0);
}

TEST_F(Attacks, cannot_change_the_name_files_of_a_read_only_container) {
  for (const char* name : {"hosts", "hostname", "resolv.conf"})
    EXPECT_NE(shell({"--read-only"}, std::string("echo x >>/etc/") + name).status, 0) << name;
}

// A bind's destination in the image may be a link to anywhere: it is followed inside the container's root only.
TEST_F(Attacks, cannot_have_a_volume_mounted_on_the_host) {
  const std::string target = make_directory("target");
  import_changed("pointing", "ln -s '" + target + "' place");
  const std::string source = make_directory("source");
  const Result result = myct({"run", "--rm", "-v", source + ":/place", "pointing", "sh", "-c", "echo x >/place/file"});
  EXPECT_EQ(result.status, 0) << result;
  EXPECT_EQ(::access((target + "/file").c_str(), F_OK), -1);
  EXPECT_EQ(::access((source + "/file").c_str(), F_OK), 0);
}

}  // namespace
}  // namespace myct::test
