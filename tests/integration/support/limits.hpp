// What tests of limits have in common.
#pragma once

#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>

#include "detached.hpp"

namespace myct::test {

/// Whether containers can have the controller, of version 2, on this host.
inline bool has_controller(const std::string& name) {
  if (host().cgroups().empty()) return false;
  std::ifstream file(host().cgroups() + "/cgroup.controllers");
  for (std::string word; file >> word;)
    if (word == name) return true;
  return false;
}

#define NEEDS_CONTROLLER(name) \
  if (!has_controller(name)) GTEST_SKIP() << "no " << (name) << " controller of version 2 on this host"

/// For Command::before_exec: the program is in that group, which is the root of all that it sees of the hierarchy.
inline std::function<void()> entering_as_root(const std::string& group) {
  return [procs = group + "/cgroup.procs", mounted = host().cgroups()] {
    const int fd = ::open(procs.c_str(), O_WRONLY | O_CLOEXEC);
    if (::write(fd, "0", 1) != 1 || ::unshare(CLONE_NEWCGROUP | CLONE_NEWNS) == -1 ||
        ::umount2(mounted.c_str(), MNT_DETACH) == -1 ||
        ::mount("cgroup2", mounted.c_str(), "cgroup2", 0, nullptr) == -1)
      ::_exit(99);
  };
}

/// A group with the controllers of memory and processes, where there are such, that goes with all that myct has made in
/// it.
class OwnGroup {
 public:
  explicit OwnGroup(const std::string& name) : path_(host().cgroups() + "/" + name) {
    std::filesystem::create_directory(path_);
    for (const char* controller : {"memory", "pids"})
      if (has_controller(controller))
        std::ofstream(host().cgroups() + "/cgroup.subtree_control") << std::string("+") + controller;
  }
  OwnGroup(const OwnGroup&) = delete;
  OwnGroup& operator=(const OwnGroup&) = delete;
  ~OwnGroup() {
    for (const char* group : {"/myct/supervisors", "/myct", "/init", ""}) ::rmdir((path_ + group).c_str());
  }

  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  /// For Command::before_exec: the program is in it.
  [[nodiscard]] std::function<void()> enter() const {
    return [procs = path_ + "/cgroup.procs"] {
      const int fd = ::open(procs.c_str(), O_WRONLY | O_CLOEXEC);
      if (::write(fd, "0", 1) != 1) ::_exit(99);
    };
  }

 private:
  std::string path_;
};

class LimitsTest : public DetachedTest {
 protected:
  void TearDown() override {
    for (const std::string& id : lines_of(myct({"ps", "-aq"}).out)) (void)myct({"rm", "-f", id});
    EXPECT_THAT(groups(), ::testing::IsEmpty());
    DetachedTest::TearDown();
  }

  /// What a file of the container's group holds.
  [[nodiscard]] std::string knob(const std::string& id, const std::string& file) const {
    const std::string text = read_file(group(id) + "/" + file);
    return text.substr(0, text.find('\n'));
  }
  [[nodiscard]] static std::string group(const std::string& id) { return host().cgroups() + "/myct/" + id; }
  [[nodiscard]] std::string state(const std::string& name, const std::string& field) const {
    const std::string text = myct({"inspect", "-f", "{{.State." + field + "}}", name}).out;
    return text.substr(0, text.find('\n'));
  }
  /// `start` with the probe bound to /probe.
  std::string start_probe(const std::string& name, const Words& words, Words options) const {
    options.insert(options.end(), {"-v", probe_path() + ":/probe:ro"});
    Words all = {"/probe"};
    all.insert(all.end(), words.begin(), words.end());
    return start_program(name, all, options);
  }
  /// Groups of containers that are left.
  [[nodiscard]] static std::vector<std::string> groups() {
    std::vector<std::string> left;
    std::error_code none;
    if (host().cgroups().empty()) return left;
    for (const auto& entry : std::filesystem::directory_iterator(host().cgroups() + "/myct", none))
      if (entry.is_directory() && entry.path().filename() != "supervisors") left.push_back(entry.path());
    return left;
  }
};

/// A directory on a whole disk, and that disk, where /var/lib/myct is on one.
class DiskLimitsTest : public LimitsTest {
 protected:
  void SetUp() override {
    namespace fs = std::filesystem;
    LimitsTest::SetUp();
    struct stat status {};
    if (::stat("/var/lib/myct", &status) == -1) return;
    const std::string device = std::to_string(major(status.st_dev)) + ":" + std::to_string(minor(status.st_dev));
    std::error_code none;
    const fs::path node = fs::canonical("/sys/dev/block/" + device, none);
    if (none || fs::exists(node / "partition") || !fs::exists("/dev" / node.filename())) return;
    std::string directory = "/var/lib/myct/limits-XXXXXX";
    if (::mkdtemp(directory.data()) == nullptr) return;
    directory_ = directory;
    disk_ = "/dev/" + node.filename().string();
  }
  void TearDown() override {
    LimitsTest::TearDown();
    if (!directory_.empty()) std::filesystem::remove_all(directory_);
  }

  [[nodiscard]] Words volume() const { return {"-v", directory_ + ":/disk"}; }

  std::string directory_;
  std::string disk_;
};

#define NEEDS_DISK() \
  if (disk_.empty()) GTEST_SKIP() << "/var/lib/myct is not on a disk of its own"

}  // namespace myct::test
