// A layer's archive: whatever it says, it becomes a layer or an Error, and no byte is written outside the layer's
// directory. The process lives in a root of its own, a file system in memory: a way out of the store would be seen in
// it, and leads nowhere else.
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/image/ingest.hpp"

namespace {

using namespace myct;

constexpr const char* kRoot = "/tmp/myct-fuzz";
constexpr const char* kSentinel = "/outside/file";
constexpr std::string_view kSentinelText = "untouched";

void check(bool fine, const char* what) {
  if (fine) return;
  std::fprintf(stderr, "fuzz: %s\n", what);
  std::abort();
}

std::vector<std::string> names_in(const std::string& directory) {
  std::vector<std::string> names = list_directory(directory, Hidden::Include);
  std::ranges::sort(names);
  return names;
}

/// All that is there besides the store is as it was.
void check_outside() {
  check(names_in("/") == std::vector<std::string>{"fuzzer", "outside", "proc", "store"},
        "something is new in the root");
  check(names_in("/outside") == std::vector<std::string>{"file"}, "something is new outside");
  check(read_file(kSentinel) == kSentinelText, "a file outside has changed");
  struct stat status {};
  check(::lstat(kSentinel, &status) == 0 && status.st_mode == (S_IFREG | 0600) && status.st_nlink == 1,
        "a file outside has another mode, or another name");
}

/// What libFuzzer is to read or write, in the new root as well: below /fuzzer, by number. Returns its name there.
std::string bring_in(const std::string& path, int number) {
  const std::string name = fmt::format("/fuzzer/{}", number);
  const std::string place = kRoot + name;
  struct stat status {};
  check(::stat(path.c_str(), &status) == 0, "what an argument names is not there");
  if (S_ISDIR(status.st_mode))
    check(::mkdir(place.c_str(), 0700) == 0, "a directory cannot be made");
  else
    write_all(open_path(place, O_WRONLY | O_CREAT, 0600).ref(), "", place);
  check(::mount(path.c_str(), place.c_str(), nullptr, MS_BIND, nullptr) == 0, "a directory cannot be bound");
  return name;
}

/// Its arguments are corpora, inputs to be tried again, and options, one of which is a beginning of names.
void bring_in_arguments(int argc, char** argv) {
  static std::vector<std::string> changed(static_cast<size_t>(argc));
  const std::string prefix = "-artifact_prefix=";
  for (int index = 1; index < argc; ++index) {
    std::string& argument = changed[static_cast<size_t>(index)] = argv[index];
    if (argument.starts_with(prefix)) {
      const size_t slash = argument.rfind('/');
      if (slash == std::string::npos) continue;
      const std::string directory = argument.substr(prefix.size(), slash - prefix.size());
      argument = prefix + bring_in(directory.empty() ? "/" : directory, index) + argument.substr(slash);
    } else if (!argument.starts_with('-')) {
      argument = bring_in(argument, index);
    }
    argv[index] = argument.data();
  }
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  check(::unshare(CLONE_NEWNS) == 0, "a mount namespace cannot be made: this needs root");
  check(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0, "mounts cannot be made private");
  (void)::mkdir(kRoot, 0700);
  check(::mount("tmpfs", kRoot, "tmpfs", 0, "size=256m") == 0, "tmpfs cannot be mounted");
  const std::string root = kRoot;
  for (const char* name : {"/fuzzer", "/outside", "/proc", "/store"})
    check(::mkdir((root + name).c_str(), 0700) == 0, "a directory cannot be made");
  bring_in_arguments(*argc, *argv);
  // ::check and the store look at /proc/self/fd.
  check(::mount("proc", (root + "/proc").c_str(), "proc", 0, nullptr) == 0, "proc cannot be mounted");
  check(::chroot(kRoot) == 0 && ::chdir("/") == 0, "the root cannot be changed");
  const Fd file = open_path(kSentinel, O_WRONLY | O_CREAT, 0600);
  write_all(file.ref(), kSentinelText, kSentinel);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const state::Paths paths("/store/lib", "/store/run");
  size_t done = 0;
  const image::ByteSource source{.read = [&](std::span<uint8_t> buffer) {
    const size_t count = std::min(buffer.size(), size - done);
    std::memcpy(buffer.data(), data + done, count);
    done += count;
    return count;
  }};
  try {
    image::Ingest ingest(paths);
    (void)ingest.put_layer({}, source);
  } catch (const Error&) {
    // Refused: that is what an Error is for.
  }
  check_outside();
  remove_tree("/store/lib");
  remove_tree("/store/run");
  return 0;
}
