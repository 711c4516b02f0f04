// The ground that every integration test stands on: directories of its own for myct's state, a busybox image, and a
// comparison of mounts, cgroups, processes, interfaces and files before and after.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "host.hpp"
#include "process.hpp"
#include "terminal.hpp"

namespace myct::test {

/// Paths of what is under test, from the build.
[[nodiscard]] std::string myct_path();
/// The same sources with fault injection compiled in (MYCT_FAIL_AT, MYCT_KILL_AT).
[[nodiscard]] std::string faulty_myct_path();
/// The static program that tests run in containers; see tests/probe/probe.c.
[[nodiscard]] std::string probe_path();
[[nodiscard]] std::string busybox_tarball();
/// Alpine's real minirootfs, or an empty string and the reason to skip in `why`.
[[nodiscard]] std::string alpine_tarball(std::string& why);

using Words = std::vector<std::string>;

class Sandbox : public ::testing::Test {
 protected:
  Sandbox();
  ~Sandbox() override;
  void SetUp() override;
  void TearDown() override;

  /// A path in a directory of the test's own, which is not myct's and goes with the test.
  [[nodiscard]] std::string path(const std::string& name) const { return directory_ + "/files/" + name; }
  [[nodiscard]] std::string root() const { return directory_ + "/root"; }
  [[nodiscard]] std::string runtime_dir() const { return directory_ + "/run"; }
  /// Writes a file there and returns its path.
  std::string write_file(const std::string& name, const std::string& content, unsigned mode = 0644) const;
  std::string make_directory(const std::string& name) const;
  [[nodiscard]] static std::string read_file(const std::string& path);

  /// `myct WORDS…`, not yet started, for tests that change more about it.
  [[nodiscard]] Command command(const Words& words) const;
  [[nodiscard]] Result myct(const Words& words) const;
  [[nodiscard]] Result myct(const Words& words, const std::string& input) const;
  /// `myct run --rm OPTIONS… --image busybox sh -c SCRIPT`.
  [[nodiscard]] Result shell(const Words& options, const std::string& script) const;
  [[nodiscard]] Command shell_command(const Words& options, const std::string& script) const;
  /// `myct run --rm OPTIONS… --image busybox /probe WORDS…`, with the probe bound to /probe.
  [[nodiscard]] Result probe(const Words& options, const Words& words) const;
  [[nodiscard]] Command probe_command(const Words& options, const Words& words) const;

  /// The init of the only container there is, as its run record names it, as soon as it does.
  [[nodiscard]] int init_pid() const;
  /// Directories in containers/.
  [[nodiscard]] size_t container_count() const;

  /// Kernel objects and files that were not there when the test began, and are not images, layers or caches.
  [[nodiscard]] std::set<std::string> leftovers() const;

 private:
  [[nodiscard]] std::set<std::string> objects() const;

  std::string directory_;
  std::set<std::string> before_;
};

/// A sandbox that has the image "busybox".
class ContainerTest : public Sandbox {
 protected:
  void SetUp() override;
  /// `myct WORDS…` for each number below `count`, all started before the first is waited for.
  template <typename WordsOf>
  [[nodiscard]] std::vector<Result> at_once(int count, WordsOf words_of) const {
    std::vector<Process> running;
    for (int number = 0; number < count; ++number) running.emplace_back(command(words_of(number)));
    std::vector<Result> results;
    for (Process& process : running) results.push_back(process.wait());
    return results;
  }
};

/// Whether `condition` comes true within the time limit: for what the kernel does in its own time after a kill.
[[nodiscard]] bool eventually(const std::function<bool()>& condition);

/// Exactly one line on stderr, from myct, that says `text`; nothing on stdout.
::testing::AssertionResult fails_with(const Result& result, int status, const std::string& text);
/// Exit status 0, `out` on stdout and nothing on stderr.
::testing::AssertionResult prints(const Result& result, const std::string& out);

}  // namespace myct::test
