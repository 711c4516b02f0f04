// Directories in layers/ that are not layers yet, or not any more, and those of ingests in images/: .staging-<random>.
// Blobs that are on their way out have such names, too.
//
// An unpacking process holds a flock(2) on its own, which the kernel lets go when it dies, however it dies: a staging
// directory whose lock is free belongs to nobody, and the next import removes it.
#pragma once

#include <string>
#include <vector>

#include "myct/base/fd.hpp"
#include "myct/state/paths.hpp"

namespace myct::image {

/// A staging directory of this process; removed with all that is in it when destroyed, unless it became a layer.
class StagingDirectory {
 public:
  /// In layers/ or images/, which `parent` is. Throws Error.
  [[nodiscard]] static StagingDirectory create(const std::string& parent);
  ~StagingDirectory();
  StagingDirectory(StagingDirectory&& other) noexcept;
  StagingDirectory& operator=(StagingDirectory&&) = delete;

  [[nodiscard]] FdRef fd() const noexcept { return fd_.ref(); }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  /// Renames it to `target`, which must be absent. Throws Error.
  void become(const std::string& target);

 private:
  StagingDirectory(std::string path, Fd fd) noexcept : path_(std::move(path)), fd_(std::move(fd)) {}

  std::string path_;
  Fd fd_;
};

/// A name for a new staging directory.
[[nodiscard]] std::string staging_name();
/// Removes the staging directories of dead processes.
void sweep_staging(const state::Paths& paths);
/// The paths of living processes' staging directories in layers/ or images/, which `parent` is.
[[nodiscard]] std::vector<std::string> living_staging(const std::string& parent);

}  // namespace myct::image
