// What the files of `myct oci` have in common.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "myct/base/fd.hpp"
#include "myct/runtime/runtime.hpp"

namespace myct::cli {

/// What a command line turned out to mean. Returns the exit status, throws Error.
using OciAction = std::function<int(const runtime::Context&)>;

struct OciCommand {
  const char* name;
  const char* summary;
  void (*define)(CLI::App& command, OciAction& action);
};
/// In the order of --help (oci_commands.cpp).
[[nodiscard]] std::span<const OciCommand> oci_commands();

// oci_process.cpp
void define_oci_exec(CLI::App& command, OciAction& action);
// oci_resources.cpp
void define_oci_update(CLI::App& command, OciAction& action);

/// Adds the container's id, which each command but list, spec and features takes.
void add_container_id(CLI::App& command, std::string& id);

// oci_log.cpp
/// Has warnings, and the error that ends a command, written to a file as well, as programs that start runtimes look for
/// them there.
class OciLog {
 public:
  /// An empty path: none. `format` is "text" or "json". Throws Error.
  void open(const std::string& path, const std::string& format);
  void write(std::string_view level, std::string_view text) const;

 private:
  Fd file_;
  bool json_ = false;
};

}  // namespace myct::cli
