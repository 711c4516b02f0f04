#include "oci.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "command.hpp"
#include "myct/base/error.hpp"
#include "myct/base/log.hpp"
#include "myct/cli/oci_app.hpp"
#include "myct/spec/runtime_state.hpp"
#include "output.hpp"

namespace myct::cli {
namespace {

/// What an exec that is no program's end is to be told apart by (runc(8)).
constexpr int kExecFailure = 255;

struct OciGlobals {
  std::string root = "/run/myct-oci";
  std::string log;
  std::string log_format = "text";
  std::string cgroup_manager = "cgroupfs";
  bool systemd_cgroup = false;
  bool debug = false;
};

void define_globals(CLI::App& app, OciGlobals& globals) {
  app.set_version_flag("-v,--version",
                       fmt::format("{} version {}\nspec: {}", kRuntimeName, MYCT_VERSION, oci::kVersion));
  app.require_subcommand(0, 1);
  app.failure_message(CLI::FailureMessage::simple);
  set_usage(app, "Usage: myct oci [OPTIONS] COMMAND [ARG...]");
  app.add_option("--root", globals.root, "Where the records of containers are kept (/run/myct-oci)")->type_name("DIR");
  app.add_option("--log", globals.log, "Write warnings and errors to a file, too")->type_name("FILE");
  app.add_option("--log-format", globals.log_format, "How the file's lines are written: text or json")
      ->type_name("FORMAT");
  app.add_option("--cgroup-manager", globals.cgroup_manager, "Who makes control groups: cgroupfs or systemd")
      ->type_name("MANAGER");
  app.add_flag("--systemd-cgroup", globals.systemd_cgroup, "The same as --cgroup-manager systemd");
  app.add_flag("--debug", globals.debug, "Say what is done and how long each step takes");
}

runtime::Context make_context(const OciGlobals& globals) {
  if (globals.cgroup_manager != "cgroupfs" && globals.cgroup_manager != "systemd")
    throw_error(ErrorKind::Usage, "unknown cgroup manager '{}': cgroupfs or systemd", globals.cgroup_manager);
  std::string root = globals.root;
  while (root.size() > 1 && root.back() == '/') root.pop_back();
  const bool systemd = globals.systemd_cgroup || globals.cgroup_manager == "systemd";
  return {.root = std::move(root),
          .cgroup_manager = systemd ? runtime::CgroupManager::Systemd : runtime::CgroupManager::Cgroupfs};
}

/// The command that is named: the first word that is neither a global option nor the value of one.
const OciCommand* command_in(const CLI::App& app, const std::vector<std::string>& words) {
  for (size_t index = 0; index < words.size(); ++index) {
    if (words[index].starts_with('-')) {
      if (option_awaiting_value(app, words[index]) != nullptr) ++index;
      continue;
    }
    const auto found =
        std::ranges::find_if(oci_commands(), [&](const OciCommand& c) { return words[index] == c.name; });
    return found == oci_commands().end() ? nullptr : &*found;
  }
  return nullptr;
}

int report(const OciLog& log, const std::string& what, int status) {
  log.write("error", what);
  print_error_line(what);
  return status;
}

/// Docker and podman read from these words that the command, and not the runtime, is at fault.
std::string explain(const Error& error) {
  if (error.exit_status() == kExitNotFound) return fmt::format("executable file not found in $PATH: {}", error.what());
  if (error.exit_status() == kExitCannotExecute) return fmt::format("permission denied: {}", error.what());
  return error.what();
}

int parse_and_run(CLI::App& app, const std::vector<std::string>& words, const OciGlobals& globals,
                  const OciAction& action, const OciCommand* command) {
  OciLog log;
  const int failure = command != nullptr && std::string_view(command->name) == "exec" ? kExecFailure : kExitFailure;
  try {
    std::vector<std::string> reversed(words.rbegin(), words.rend());  // as CLI11 takes them
    app.parse(reversed);
    log.open(globals.log, globals.log_format);
    if (globals.debug) log::set_level(log::Level::Debug);
    if (!action) throw Error(ErrorKind::Usage, "no command given", 0, "see 'myct oci --help'");
    if (::geteuid() != 0) throw Error(ErrorKind::Denied, "only root can make containers", 0, "run it as root");
    const int status = action(make_context(globals));
    flush_output();
    return status;
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    return report(log, fmt::format("{} (see 'myct oci --help')", error.what()), failure);
  } catch (const Error& error) {
    const int status = error.exit_status() == kExitOwnFailure ? failure : error.exit_status();
    return report(log, explain(error), failure == kExecFailure ? kExecFailure : status);
  } catch (const std::exception& error) {
    return report(log, fmt::format("internal error: {}", error.what()), failure);
  }
}

}  // namespace

void add_container_id(CLI::App& command, std::string& id) {
  command.add_option("ID", id, "The container's id")->required();
}

int run_oci(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  OciGlobals globals;
  OciAction action;
  CLI::App app("Containers as the OCI runtime specification has them.", "myct oci");
  define_globals(app, globals);
  const OciCommand* command = command_in(app, words);
  for (const OciCommand& candidate : oci_commands()) {
    // The options of one are built, not those of all.
    if (command != nullptr && command != &candidate) continue;
    CLI::App* subcommand = app.add_subcommand(candidate.name, candidate.summary);
    if (command == &candidate) candidate.define(*subcommand, action);
  }
  return parse_and_run(app, words, globals, action, command);
}

}  // namespace myct::cli
