#include "temp_store.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <set>

#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "staging.hpp"

namespace myct::image::test {
namespace {

std::string make_directory() {
  std::string name = std::filesystem::temp_directory_path().string() + "/myct-image-XXXXXX";
  if (::mkdtemp(name.data()) == nullptr) throw_errno("make a temporary directory");
  return name;
}

std::vector<std::string> sorted(std::vector<std::string> names) {
  std::ranges::sort(names);
  return names;
}

}  // namespace

TempStore::TempStore() : directory_(make_directory()), paths_(directory_ + "/store", directory_ + "/store/run") {
  make_directories(outside());
  write_file_at(FdRef(AT_FDCWD), outside() + "/secret", "secret");
}

TempStore::~TempStore() { remove_tree(directory_); }

std::string TempStore::put(const std::string& name, const std::string& bytes) const {
  const std::string path = directory_ + "/" + name;
  write_file_at(FdRef(AT_FDCWD), path, bytes);
  return path;
}

Rootfs TempStore::import(const std::string& archive, const std::string& name) const {
  (void)import_tarball(paths_, {.source = put("archive.tar", archive), .reference = name});
  return resolve(paths_, {.image = name});
}

std::string TempStore::import_error(const std::string& archive) const {
  try {
    (void)import_tarball(paths_, {.source = put("archive.tar", archive), .reference = "test"});
    return {};
  } catch (const Error& error) {
    return error.what();
  }
}

std::vector<std::string> TempStore::layers() const { return sorted(list_directory(paths_.layers(), Hidden::Include)); }
std::vector<std::string> TempStore::blobs() const {
  return sorted(list_directory(paths_.images() + "/blobs/sha256", Hidden::Include));
}

std::string TempStore::neighbourhood() const {
  std::set<std::string> lines;
  auto entry = std::filesystem::recursive_directory_iterator(directory_);
  for (; entry != std::filesystem::end(entry); ++entry) {
    const std::string path = entry->path().string();
    if (path == paths_.root()) {
      entry.disable_recursion_pending();
      continue;
    }
    const struct stat status = inspect(path);
    lines.insert(fmt::format("{} {:o} {} {} {}.{} {}\n", path, status.st_mode, status.st_uid, status.st_size,
                             status.st_mtim.tv_sec, status.st_mtim.tv_nsec, status.st_nlink));
  }
  std::string text;
  for (const std::string& line : lines) text += line;
  return text;
}

struct stat inspect(const std::string& path) {
  struct stat status {};
  EXPECT_EQ(::lstat(path.c_str(), &status), 0) << path;
  return status;
}

std::string in_child(const std::function<std::string()>& body) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) == -1) throw_errno("make a pipe");
  const Fd ours(ends[0]);
  Fd theirs(ends[1]);
  const pid_t child = ::fork();
  if (child == -1) throw_errno("fork");
  if (child == 0) {
    std::string text;
    try {
      text = body();
    } catch (const std::exception& error) {
      text = error.what();
    }
    write_all(theirs.ref(), text, "the pipe");
    ::_exit(0);
  }
  theirs.reset();
  const std::string text = read_all(ours.ref(), "the pipe");
  int status = 0;
  while (::waitpid(child, &status, 0) == -1 && errno == EINTR) {
  }
  return WIFSIGNALED(status) ? fmt::format("killed by {}", WTERMSIG(status)) : text;
}

}  // namespace myct::image::test
