#include "registry_flags.hpp"

#include <cstdio>

#include "container_flags.hpp"
#include "myct/base/error.hpp"
#include "pull_display.hpp"

namespace myct::cli {

void add_platform_flag(CLI::App& command, PlatformFlag& flag) {
  command
      .add_option("--platform", flag.text,
                  "Of an image for several, the one for OS/ARCHITECTURE[/VARIANT]; this machine's if it is not given")
      ->type_name("PLATFORM");
}

std::optional<registry::Platform> parse_platform_flag(const PlatformFlag& flag) {
  if (!flag.text.empty()) return registry::parse_platform(flag.text);
  const std::string text = caller_variable("DOCKER_DEFAULT_PLATFORM").value_or("");
  return text.empty() ? std::nullopt : std::optional(registry::parse_platform(text));
}

void add_registry_flags(CLI::App& command, RegistryFlags& flags) {
  flags.tls_option =
      command.add_flag("--tls-verify", flags.tls_verify,
                       "Have the registry prove who it is; with =false not, and speak plain HTTP where it must be");
  command
      .add_option("--cert-dir", flags.certificate_directory,
                  "Where authorities (*.crt), and a certificate and key (*.cert, *.key), for this registry are")
      ->type_name("DIR");
}

manager::RegistryOptions parse_registry_flags(const RegistryFlags& flags) {
  manager::RegistryOptions options{.certificate_directory = flags.certificate_directory};
  if (flags.tls_option->count() > 0)
    options.tls_verify = flags.tls_verify ? registry::TlsVerify::Always : registry::TlsVerify::Never;
  return options;
}

manager::PullPolicy parse_pull_policy(const std::string& text) {
  if (text.empty() || text == "missing") return manager::PullPolicy::Missing;
  if (text == "always") return manager::PullPolicy::Always;
  if (text == "never") return manager::PullPolicy::Never;
  throw_error(ErrorKind::Usage, "--pull '{}' is not one of: always, missing, never", text);
}

std::function<void(const std::string&)> make_puller(const manager::Context& context,
                                                    std::optional<registry::Platform> platform, bool quiet) {
  return [&context, platform, quiet](const std::string& image) {
    const auto name = registry::parse_registry_reference(image).familiar();
    if (!quiet) std::fprintf(stderr, "Fetching '%s', which is not here or is to be fetched anew\n", name.c_str());
    PullDisplay display(quiet ? nullptr : stderr);
    const manager::PullResult result =
        manager::pull(context, {.image = image, .platform = platform, .registry = {}}, display.observer());
    display.finish(result);
  };
}

}  // namespace myct::cli
