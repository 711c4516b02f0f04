// An image store of a test's own, with a neighbourhood that nothing may touch.
#pragma once

#include <sys/stat.h>

#include <functional>
#include <string>
#include <vector>

#include "myct/image/store.hpp"
#include "myct/state/paths.hpp"

namespace myct::image::test {

/// <temp>/store is the store, <temp>/outside a directory with a file, <temp>/*.tar the archives. Removed at the end.
class TempStore {
 public:
  TempStore();
  ~TempStore();
  TempStore(const TempStore&) = delete;
  TempStore& operator=(const TempStore&) = delete;

  [[nodiscard]] const state::Paths& paths() const { return paths_; }
  [[nodiscard]] const std::string& directory() const { return directory_; }
  [[nodiscard]] std::string outside() const { return directory_ + "/outside"; }

  /// Writes an archive; returns its path.
  [[nodiscard]] std::string put(const std::string& name, const std::string& bytes) const;
  /// Imports an archive that is written first; returns the image.
  Rootfs import(const std::string& archive, const std::string& name = "test") const;
  /// The line of the Error that importing the archive ends in; empty when it does not.
  [[nodiscard]] std::string import_error(const std::string& archive) const;

  /// What is in layers/, in order.
  [[nodiscard]] std::vector<std::string> layers() const;
  /// What is in images/blobs/sha256/.
  [[nodiscard]] std::vector<std::string> blobs() const;
  /// Everything outside the store, with size, mode and time of each.
  [[nodiscard]] std::string neighbourhood() const;

 private:
  std::string directory_;
  state::Paths paths_;
};

/// lstat(2); a test fails when the file is absent.
[[nodiscard]] struct stat inspect(const std::string& path);

/// Runs `body` in a forked child and returns what it returns; "killed by N" when it was killed.
[[nodiscard]] std::string in_child(const std::function<std::string()>& body);

}  // namespace myct::image::test
