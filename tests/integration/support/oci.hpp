// A bundle of the OCI runtime specification, and `myct oci` on it.
#pragma once

#include <nlohmann/json.hpp>

#include "myct/base/fd.hpp"
#include "sandbox.hpp"

namespace myct::test {

using Json = nlohmann::json;

/// A socket that waits for a descriptor, as conmon, containerd and who judges system calls have it.
class DescriptorSocket {
 public:
  explicit DescriptorSocket(const std::string& path);

  struct Received {
    std::string text;  ///< what came along
    Fd fd;             ///< not valid: none came
  };
  /// Waits for who connects.
  [[nodiscard]] Received receive() const;

 private:
  Fd socket_;
};

/// Busybox as a bundle; records in a directory of the test's own.
class OciTest : public Sandbox {
 protected:
  void SetUp() override;
  void TearDown() override;

  [[nodiscard]] std::string bundle() const { return path("bundle"); }
  [[nodiscard]] std::string rootfs() const { return bundle() + "/rootfs"; }
  [[nodiscard]] std::string records() const { return path("oci"); }
  /// A configuration like the one that `spec` writes: without a terminal, with a writable root, and /probe in it.
  [[nodiscard]] Json config(const Words& args) const;
  void save(const Json& config) const;

  /// `myct oci --root … WORDS…`.
  [[nodiscard]] Command oci_command(const Words& words) const;
  [[nodiscard]] Result oci(const Words& words) const;
  /// The same of what leaves processes behind that have its output, which is not read then.
  [[nodiscard]] Result leave(const Words& words) const;
  /// `run` of the configuration, in the foreground.
  [[nodiscard]] Result run(const Json& config) const;
  /// The same of `sh -c SCRIPT`, after `change` has had its way with the configuration.
  [[nodiscard]] Result run_script(const std::string& script, const std::function<void(Json&)>& change = {}) const;
  /// create, and start, of a container "c" that runs `sh -c SCRIPT`.
  void create(const Json& config) const;
  void start() const;
  [[nodiscard]] Json state() const;
  [[nodiscard]] std::string status() const { return state().value("status", ""); }
};

}  // namespace myct::test
