#include "container_flags.hpp"

#include <limits.h>
#include <unistd.h>

#include <cstdlib>

#include "flags.hpp"
#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/base/log.hpp"
#include "myct/state/names.hpp"

namespace myct::cli {
namespace {

template <typename T>
void add_value(CLI::App& command, const std::string& names, T& target, const std::string& help, const char* type_name) {
  command.add_option(names, target, help)->type_name(type_name)->take_last();
}

void add_container_options(CLI::App& command, ContainerFlags& flags) {
  command.add_flag("-i,--interactive", flags.interactive, "Keep standard input open to the program");
  command.add_flag("-t,--tty", flags.tty, "Give the program a terminal");
  command.add_flag("--rm", flags.remove, "Remove the container when it ends");
  add_value(command, "--name", flags.name, "The container's name; one is made up if it is not given", "NAME");
  add_value(command, "--cidfile", flags.cidfile, "Write the container's id to this new file", "FILE");
  add_list(command, "-l,--label", flags.labels, "Attach a label", "KEY[=VALUE]");
  add_value(command, "--restart", flags.restart, "When to start it again: no, on-failure[:N], always or unless-stopped",
            "POLICY");
  add_value(command, "--stop-signal", flags.stop_signal, "What stop sends; the image's or SIGTERM if it is not given",
            "SIGNAL");
  add_value(command, "--stop-timeout", flags.stop_timeout, "Seconds from the stop signal to SIGKILL; -1: for ever (10)",
            "SECONDS");
  add_value(command, "--log-driver", flags.log_driver, "Where output is kept: json-file, none, journald or passthrough",
            "DRIVER");
  add_list(command, "--log-opt", flags.log_options, "max-size=SIZE (10m) or max-file=N (3), for json-file",
           "NAME=VALUE");
  add_value(command, "--image", flags.image, "The image; without this option it is the first word", "IMAGE");
  add_value(command, "--image-path", flags.image_path,
            "Directories to look for NAME-base.tar.* in, separated by ':' (MYCT_IMAGE_PATH)", "DIRS");
  add_value(command, "--pull", flags.pull, "Fetch the image from its registry: missing (the default), always or never",
            "POLICY");
  add_platform_flag(command, flags.platform);
  command.add_flag("-q,--quiet", flags.quiet, "Do not show how a pull goes");
}

void add_process_options(CLI::App& command, ContainerFlags& flags) {
  add_list(command, "-e,--env", flags.env, "Set a variable; NAME alone copies yours", "NAME[=VALUE]");
  add_list(command, "--env-file", flags.env_files, "Set the variables that a file lists, one a line", "FILE");
  add_value(command, "-w,--workdir", flags.workdir, "The working directory; made if it is missing", "DIR");
  add_value(command, "-u,--user", flags.user, "The user and group, by name in the image or by number", "USER[:GROUP]");
  add_value(command, "--entrypoint", flags.entrypoint, "Run this instead of the image's entrypoint", "PROGRAM");
  command.add_flag("--init", flags.init, "Run an init as process 1 that passes signals on and reaps processes");
  add_list(command, "--ulimit", flags.ulimits, "Set a resource limit; -1 is unlimited", "NAME=SOFT[:HARD]");
  add_list(command, "--cap-add", flags.cap_add, "Add a capability, or ALL", "CAP");
  add_list(command, "--cap-drop", flags.cap_drop, "Drop a capability, or ALL", "CAP");
  add_list(command, "--security-opt", flags.security_options,
           "no-new-privileges, seccomp=unconfined|builtin or systempaths=unconfined", "OPTION");
  command.add_flag("--privileged", flags.privileged, "Give all capabilities and devices, and filter nothing");
}

void add_environment_options(CLI::App& command, ContainerFlags& flags) {
  add_value(command, "-h,--hostname", flags.hostname, "The host name; the id's first digits if it is not given",
            "NAME");
  add_network_options(command, flags.network);
  add_list(command, "-v,--volume", flags.volumes, "Mount a directory of the host, or a named volume",
           "[SOURCE:]TARGET[:OPTIONS]");
  add_list(command, "--mount", flags.mounts, "Mount a bind, volume or tmpfs, as type=...,source=...,target=...",
           "FIELDS");
  add_list(command, "--tmpfs", flags.tmpfs, "Mount a tmpfs", "TARGET[:OPTIONS]");
  command.add_flag("--read-only", flags.read_only, "Mount the root file system read-only");
}

std::string working_directory() {
  char buffer[PATH_MAX];
  if (::getcwd(buffer, sizeof buffer) == nullptr) throw_errno("read the working directory");
  return buffer;
}

/// The tarballs' search path: the option, the environment, the installed ones, and those in the state folder.
std::vector<std::string> image_search_path(const ContainerFlags& flags, const manager::Context& context) {
  std::vector<std::string> path;
  for (const std::string& list : {flags.image_path, caller_variable("MYCT_IMAGE_PATH").value_or("")})
    for (const std::string& directory : split(list, ':'))
      if (!directory.empty()) path.push_back(directory);
  path.emplace_back(MYCT_IMAGES_DIRECTORY);
  path.push_back(context.paths.tarballs());
  return path;
}

std::vector<manager::MountRequest> parse_mounts(const ContainerFlags& flags) {
  std::vector<manager::MountRequest> mounts;
  const bool any = !flags.volumes.empty() || !flags.mounts.empty();
  const std::string here = any ? working_directory() : std::string();
  for (const std::string& text : flags.volumes) mounts.push_back(parse_volume(text, here));
  for (const std::string& text : flags.mounts) mounts.push_back(parse_mount(text, here));
  for (const std::string& text : flags.tmpfs) mounts.push_back(parse_tmpfs(text));
  return mounts;
}

manager::SecurityRequest parse_security(const ContainerFlags& flags) {
  manager::SecurityRequest security{
      .cap_add = flags.cap_add, .cap_drop = flags.cap_drop, .privileged = flags.privileged};
  for (const std::string& text : flags.security_options) apply_security_option(text, security);
  return security;
}

/// With --image all words are the command; without, the first is the image.
void take_words(const ContainerFlags& flags, manager::RunRequest& request) {
  request.image = flags.image.value_or("");
  auto first = flags.words.begin();
  if (!flags.image) {
    if (flags.words.empty())
      throw Error(ErrorKind::Usage, "no image given", 0, "see 'myct run --help'").set_exit_status(kExitFailure);
    request.image = *first++;
  }
  if (request.image.empty()) throw Error(ErrorKind::Usage, "the image's name is empty", 0, "see 'myct images'");
  request.command.assign(first, flags.words.end());
}

/// nullopt: as the manager sees fit.
std::optional<state::LogConfig> parse_log(const ContainerFlags& flags) {
  if (flags.log_driver.empty() && flags.log_options.empty()) return std::nullopt;
  state::LogConfig log;
  if (!flags.log_driver.empty()) log.driver = parse_log_driver(flags.log_driver);
  for (const std::string& option : flags.log_options) apply_log_option(option, log);
  return log;
}

}  // namespace

void add_container_flags(CLI::App& command, ContainerFlags& flags) {
  command.set_help_flag("--help", "Print this help");  // -h is the host name
  add_container_options(command, flags);
  add_process_options(command, flags);
  add_environment_options(command, flags);
  add_name_options(command, flags.names);
  add_limit_options(command, flags.limits);
  add_resource_options(command, flags.resources);
  add_health_options(command, flags.health);
  // Options stop at the first other word: "myct run IMAGE ls -l" gives -l to ls.
  command.prefix_command();
}

manager::RunRequest build_request(const ContainerFlags& flags, const manager::Context& context) {
  manager::RunRequest request{.env = parse_environment(flags.env_files, flags.env),
                              .workdir = flags.workdir,
                              .user = flags.user,
                              .mounts = parse_mounts(flags),
                              .security = parse_security(flags),
                              .limits = parse_limits(flags.limits),
                              .labels = parse_labels(flags.labels),
                              .cidfile = flags.cidfile,
                              .restart = parse_restart(flags.restart),
                              .healthcheck = parse_healthcheck(flags.health),
                              .log = parse_log(flags),
                              .interactive = flags.interactive,
                              .tty = flags.tty,
                              .remove = flags.remove,
                              .read_only = flags.read_only,
                              .init = flags.init};
  apply_network_flags(flags.network, request);
  take_words(flags, request);
  request.image_search_path = image_search_path(flags, context);
  request.pull = parse_pull_policy(flags.pull);
  request.platform = parse_platform_flag(flags.platform);
  request.pull_image = make_puller(context, request.platform, flags.quiet);
  // An empty entrypoint takes the image's away.
  if (flags.entrypoint)
    request.entrypoint = flags.entrypoint->empty() ? std::vector<std::string>() : std::vector{*flags.entrypoint};
  if (!flags.stop_signal.empty()) request.stop_signal = parse_signal_option(flags.stop_signal);
  if (flags.stop_timeout) request.stop_seconds = parse_seconds(*flags.stop_timeout, "--stop-timeout");
  if (!flags.name.empty()) state::check_name(flags.name);
  request.name = flags.name;
  if (flags.hostname) {
    check_hostname(*flags.hostname);
    request.hostname = *flags.hostname;
  }
  if (request.workdir && !request.workdir->starts_with('/'))
    throw_error(ErrorKind::Usage, "the working directory '{}' is not an absolute path", *request.workdir);
  apply_name_flags(flags.names, request);
  apply_resource_flags(flags.resources, request);
  if (request.security.writable_cgroups && request.cgroup_view == manager::CgroupView::Host)
    throw Error(ErrorKind::Usage, "--security-opt writable-cgroups needs --cgroupns private", 0,
                "the control groups of the host would be the container's to change");
  for (const std::string& text : flags.ulimits) request.ulimits.push_back(parse_ulimit(text));
  return request;
}

void add_list(CLI::App& command, const std::string& names, std::vector<std::string>& target, const std::string& help,
              const char* type_name) {
  command.add_option(names, target, help)->type_name(type_name)->expected(1)->take_all()->allow_extra_args(false);
}

std::optional<std::string> caller_variable(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr) return std::nullopt;
  return value;
}

std::vector<std::string> parse_environment(const std::vector<std::string>& files,
                                           const std::vector<std::string>& variables) {
  std::vector<std::string> env;
  for (const std::string& file : files) {
    std::vector<std::string> lines = parse_env_file(read_file(file), file, caller_variable);
    env.insert(env.end(), std::make_move_iterator(lines.begin()), std::make_move_iterator(lines.end()));
  }
  for (const std::string& text : variables)
    if (std::optional<std::string> variable = parse_env(text, caller_variable)) env.push_back(std::move(*variable));
  return env;
}

}  // namespace myct::cli
