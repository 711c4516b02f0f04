// Options about registries, and pulling for commands that need an image.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "command.hpp"
#include "myct/manager/pull.hpp"

namespace myct::cli {

struct PlatformFlag {
  std::string text;
};
void add_platform_flag(CLI::App& command, PlatformFlag& flag);
/// --platform, else DOCKER_DEFAULT_PLATFORM; nullopt without either. Throws Error.
[[nodiscard]] std::optional<registry::Platform> parse_platform_flag(const PlatformFlag& flag);

/// --tls-verify and --cert-dir.
struct RegistryFlags {
  bool tls_verify = true;
  const CLI::Option* tls_option = nullptr;  ///< tells whether it was given
  std::string certificate_directory;
};
void add_registry_flags(CLI::App& command, RegistryFlags& flags);
[[nodiscard]] manager::RegistryOptions parse_registry_flags(const RegistryFlags& flags);

/// --pull. Throws Error{Usage}.
[[nodiscard]] manager::PullPolicy parse_pull_policy(const std::string& text);

/// What fetches an image that is not here, and says so on stderr: stdout is the program's.
[[nodiscard]] std::function<void(const std::string& image)> make_puller(const manager::Context& context,
                                                                        std::optional<registry::Platform> platform,
                                                                        bool quiet);

}  // namespace myct::cli
