#include "staging.hpp"

#include "layout.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cstdio>
#include <memory>
#include <string_view>
#include <utility>

#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/base/log.hpp"

namespace myct::image {
namespace {

constexpr std::string_view kPrefix = ".staging-";

std::vector<std::string> staging_paths(const std::string& parent) {
  std::vector<std::string> found;
  for (const std::string& name : list_directory(parent, Hidden::Include))
    if (name.starts_with(kPrefix)) found.push_back(fmt::format("{}/{}", parent, name));
  return found;
}

}  // namespace

std::string staging_name() { return fmt::format("{}{}", kPrefix, random_suffix()); }

StagingDirectory StagingDirectory::create(const std::string& parent) {
  for (;;) {
    const std::string path = parent + "/" + staging_name();
    if (::mkdir(path.c_str(), 0700) == -1) throw_errno("make directory '{}'", path);
    std::optional<Fd> fd = try_open_path(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    // Between mkdir and flock another import's sweep may take it for a dead process's: then it is gone or going.
    if (!fd || ::flock(fd->get(), LOCK_EX | LOCK_NB) == -1) continue;
    struct stat status {};
    if (::fstat(fd->get(), &status) == 0 && status.st_nlink > 0) return {path, std::move(*fd)};
  }
}

StagingDirectory::StagingDirectory(StagingDirectory&& other) noexcept
    : path_(std::exchange(other.path_, {})), fd_(std::move(other.fd_)) {}

StagingDirectory::~StagingDirectory() {
  if (path_.empty()) return;
  try {
    remove_tree(path_);
  } catch (const Error& error) {
    log::debug("{}", error.what());  // the next import sweeps it
  }
}

void StagingDirectory::become(const std::string& target) {
  if (::renameat2(AT_FDCWD, path_.c_str(), AT_FDCWD, target.c_str(), RENAME_NOREPLACE) == -1)
    throw_errno("rename the unpacked layer to '{}'", target);
  path_.clear();
}

/// What save_atomically leaves when it is killed: ".<name>.<random>". The index and the blobs are written under the
/// index's lock only, so under it every such file is nobody's.
void sweep_temporaries(const state::Paths& paths) {
  std::vector<std::string> found;
  for (const std::string& directory : {paths.images(), paths.images() + "/blobs/sha256"})
    for (const std::string& name : list_directory(directory, Hidden::Include))
      if (name.starts_with('.') && !name.starts_with(".oci-layout") && !name.starts_with(kPrefix))
        found.push_back(fmt::format("{}/{}", directory, name));
  if (found.empty()) return;
  const FileLock lock = lock_index(paths);
  for (const std::string& path : found) remove_file(path);
}

void sweep_staging(const state::Paths& paths) {
  for (const std::string& directory : {paths.layers(), paths.images()}) {
    for (const std::string& path : staging_paths(directory)) {
      const std::optional<Fd> fd = try_open_path(path, O_RDONLY | O_NOFOLLOW);
      if (fd && ::flock(fd->get(), LOCK_EX | LOCK_NB) == 0) remove_tree(path);
    }
  }
  sweep_temporaries(paths);
}

std::vector<std::string> living_staging(const std::string& parent) {
  std::vector<std::string> living;
  for (const std::string& path : staging_paths(parent)) {
    const std::optional<Fd> fd = try_open_path(path, O_RDONLY | O_NOFOLLOW);
    if (fd && ::flock(fd->get(), LOCK_SH | LOCK_NB) == -1) living.push_back(path);
  }
  return living;
}

}  // namespace myct::image
