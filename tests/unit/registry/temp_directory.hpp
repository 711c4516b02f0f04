// A directory that is gone after the test.
#pragma once

#include <fcntl.h>

#include <cstdlib>
#include <string>

#include "myct/base/error.hpp"
#include "myct/base/file.hpp"

namespace myct::registry {

class TempDirectory {
 public:
  TempDirectory() {
    const char* base = std::getenv("TMPDIR");
    path_ = std::string(base == nullptr ? "/tmp" : base) + "/myct-registry-XXXXXX";
    if (::mkdtemp(path_.data()) == nullptr) throw_errno("make a directory");
  }
  TempDirectory(const TempDirectory&) = delete;
  TempDirectory& operator=(const TempDirectory&) = delete;
  ~TempDirectory() { remove_tree(path_); }

  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  /// Writes a file of that name; returns its path.
  std::string write(const std::string& name, std::string_view bytes, mode_t mode = 0600) const {
    const Fd directory = open_path(path_, O_RDONLY | O_DIRECTORY);
    write_file_at(directory.ref(), name, bytes, mode);
    return path_ + "/" + name;
  }

 private:
  std::string path_;
};

}  // namespace myct::registry
