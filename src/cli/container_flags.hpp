// The options that describe a container, which run and create share.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "command.hpp"
#include "health_options.hpp"
#include "limit_options.hpp"
#include "myct/manager/request.hpp"
#include "name_options.hpp"
#include "network_options.hpp"
#include "registry_flags.hpp"

namespace myct::cli {

/// The words of run and create as CLI11 collects them.
struct ContainerFlags {
  std::optional<std::string> image;
  std::string image_path;
  std::string pull;
  PlatformFlag platform;
  bool quiet = false;
  std::optional<std::string> entrypoint;
  std::string name;
  std::optional<std::string> hostname;
  std::vector<std::string> env;
  std::vector<std::string> env_files;
  std::vector<std::string> labels;
  std::optional<std::string> workdir;
  std::optional<std::string> user;
  std::vector<std::string> volumes;
  std::vector<std::string> mounts;
  std::vector<std::string> tmpfs;
  std::vector<std::string> ulimits;
  std::vector<std::string> cap_add;
  std::vector<std::string> cap_drop;
  std::vector<std::string> security_options;
  LimitFlags limits;
  ResourceFlags resources;
  NetworkFlags network;
  NameFlags names;
  HealthFlags health;
  std::string restart;
  std::string stop_signal;
  std::optional<std::string> stop_timeout;
  std::string log_driver;
  std::vector<std::string> log_options;
  std::string cidfile;
  bool interactive = false;
  bool tty = false;
  bool remove = false;
  bool read_only = false;
  bool init = false;
  bool privileged = false;
  std::vector<std::string> words;  ///< what follows the options
};

/// Declares them. What follows the options is left in command.remaining().
void add_container_flags(CLI::App& command, ContainerFlags& flags);

/// What they ask for. Throws Error{Usage}.
[[nodiscard]] manager::RunRequest build_request(const ContainerFlags& flags, const manager::Context& context);

// --- shared with other commands --------------------------------------------------------------------------------------
/// An option that may be given again and again and takes one word each time.
void add_list(CLI::App& command, const std::string& names, std::vector<std::string>& target, const std::string& help,
              const char* type_name);
/// How the user's streams are attached.
struct AttachFlags {
  std::optional<std::string> detach_keys;
  bool forward_signals = true;
};
void add_attach_flags(CLI::App& command, AttachFlags& flags);
void add_detach_keys(CLI::App& command, std::optional<std::string>& keys, const char* help);
/// Their bytes. Throws Error{Usage}.
[[nodiscard]] std::string parse_detach_keys_option(const std::optional<std::string>& keys);
/// What a client says whom the keys have detached, as docker's: exit status 1. `what` goes on.
[[nodiscard]] Error detached_error(const char* what);
/// `input`: whether stdin goes to the program.
[[nodiscard]] manager::Attachment parse_attachment(const AttachFlags& flags, bool input);
/// A variable of the caller's environment.
[[nodiscard]] std::optional<std::string> caller_variable(const std::string& name);
/// --env-file's and -e's, the latter last.
[[nodiscard]] std::vector<std::string> parse_environment(const std::vector<std::string>& files,
                                                         const std::vector<std::string>& variables);

}  // namespace myct::cli
