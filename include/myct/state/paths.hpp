// Every path under /var/lib/myct and /run/myct is made here. See docs/files.md.
#pragma once

#include <string>
#include <string_view>

namespace myct::state {

/// The two roots of everything that is kept: `root` lasts, `runtime_dir` dies with the boot.
class Paths {
 public:
  Paths(std::string root, std::string runtime_dir) : root_(std::move(root)), runtime_dir_(std::move(runtime_dir)) {}

  [[nodiscard]] const std::string& root() const noexcept { return root_; }
  [[nodiscard]] const std::string& runtime_dir() const noexcept { return runtime_dir_; }

  /// Makes both roots, for root alone (0700): layers hold setuid programs, records hold environments. Existing ones
  /// keep their modes. Throws Error.
  void make_roots() const;

  // --- lasts -------------------------------------------------------------------------------------------------
  /// The OCI image layout: oci-layout, index.json, blobs/sha256/.
  [[nodiscard]] std::string images() const { return root_ + "/images"; }
  [[nodiscard]] std::string layers() const { return root_ + "/layers"; }
  /// Tarballs that a user puts there (`NAME-base.tar.gz`) to be imported on first use.
  [[nodiscard]] std::string tarballs() const { return root_ + "/tarballs"; }
  [[nodiscard]] std::string containers() const { return root_ + "/containers"; }
  [[nodiscard]] std::string container(std::string_view id) const { return containers() + "/" + std::string(id); }
  [[nodiscard]] std::string names() const { return root_ + "/names"; }
  [[nodiscard]] std::string networks() const { return root_ + "/networks"; }
  [[nodiscard]] std::string volumes() const { return root_ + "/volumes"; }
  /// Results that can be computed again at any time: compiled seccomp filters.
  [[nodiscard]] std::string cache() const { return root_ + "/cache"; }

  // --- dies with the boot ------------------------------------------------------------------------------------
  [[nodiscard]] std::string run_containers() const { return runtime_dir_ + "/containers"; }
  [[nodiscard]] std::string run_container(std::string_view id) const {
    return run_containers() + "/" + std::string(id);
  }
  [[nodiscard]] std::string run_networks() const { return runtime_dir_ + "/networks"; }
  /// What has happened to containers since the boot, a JSON object a line.
  [[nodiscard]] std::string events() const { return runtime_dir_ + "/events"; }
  /// Lock files that belong to no container.
  [[nodiscard]] std::string locks() const { return runtime_dir_ + "/locks"; }

 private:
  std::string root_;
  std::string runtime_dir_;
};

}  // namespace myct::state
