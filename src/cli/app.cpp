#include "myct/cli/app.hpp"

#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "command.hpp"
#include "myct/base/error.hpp"
#include "myct/base/log.hpp"
#include "output.hpp"

namespace myct::cli {
namespace {

constexpr std::array kCommands = {
    Command{"run", "Create a container from an image and run a command in it", define_run, NeedsRoot::Yes},
    Command{"ps", "List containers", define_ps, NeedsRoot::Yes},
    Command{"rm", "Remove containers", define_rm, NeedsRoot::Yes},
    Command{"import", "Make an image from a root file system tarball", define_import, NeedsRoot::Yes},
    Command{"images", "List images", define_images, NeedsRoot::Yes},
    Command{"rmi", "Remove images", define_rmi, NeedsRoot::Yes},
    Command{"version", "Print the version", define_version, NeedsRoot::No},
};

struct Globals {
  std::string root;
  std::string runtime_dir;
  bool debug = false;
};

std::string from_environment(const char* name, const char* otherwise) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0' ? value : otherwise;
}

void add_globals(CLI::App& app, Globals& globals) {
  app.add_option("--root", globals.root, "Where images, containers and volumes are kept (MYCT_ROOT; /var/lib/myct)")
      ->type_name("DIR");
  app.add_option("--runtime-dir", globals.runtime_dir,
                 "Where state that dies with the boot is kept (MYCT_RUNTIME_DIR; /run/myct)")
      ->type_name("DIR");
  app.add_flag("--debug", globals.debug, "Say what is done and how long each step takes, on stderr");
}

/// The first word that is not an option or an option's value, or nullptr.
const char* find_command_word(int argc, char** argv) {
  for (int index = 1; index < argc; ++index) {
    const std::string_view word = argv[index];
    if (word == "--root" || word == "--runtime-dir") {
      ++index;
      continue;
    }
    if (!word.starts_with('-')) return argv[index];
  }
  return nullptr;
}

const Command* find_command(const char* word) {
  for (const Command& command : kCommands)
    if (std::string_view(word) == command.name) return &command;
  throw Error(ErrorKind::Usage, fmt::format("unknown command '{}'", word), 0, "see 'myct --help'");
}

std::string absolute_path(std::string path) {
  if (path.starts_with('/')) return path;
  char buffer[PATH_MAX];
  if (::getcwd(buffer, sizeof buffer) == nullptr) throw_errno("read the working directory");
  return std::string(buffer) + "/" + path;
}

manager::Context make_context(const Globals& globals) {
  const std::string root = globals.root.empty() ? from_environment("MYCT_ROOT", "/var/lib/myct") : globals.root;
  const std::string runtime_dir =
      globals.runtime_dir.empty() ? from_environment("MYCT_RUNTIME_DIR", "/run/myct") : globals.runtime_dir;
  return {.paths = {absolute_path(root), absolute_path(runtime_dir)}};
}

/// CLI11's complaint as one line of ours; --help and --version are no complaints.
int print_parse_error(CLI::App& app, const Command* command, const CLI::ParseError& error) {
  if (error.get_exit_code() == 0) return app.exit(error);
  const std::string topic = command != nullptr ? std::string(command->name) + " " : "";
  std::string text = error.what();
  if (const size_t end = text.find('\n'); end != std::string::npos) text.resize(end);
  return print_error(Error(ErrorKind::Usage, text, 0, "see 'myct " + topic + "--help'"));
}

int parse_and_run(int argc, char** argv, CLI::App& app, const Globals& globals, const Command* command,
                  const Action& action) {
  try {
    app.parse(argc, argv);
    if (globals.debug) log::set_level(log::Level::Debug);
    if (!action) throw Error(ErrorKind::Usage, "no command given", 0, "see 'myct --help'");
    if (command != nullptr && command->needs_root == NeedsRoot::Yes && ::geteuid() != 0)
      throw Error(ErrorKind::Denied, "only root can make and see containers", 0, "run myct as root, e.g. by sudo");
    const int status = action(make_context(globals));
    flush_output();
    return status;
  } catch (const CLI::ParseError& error) {
    return print_parse_error(app, command, error);
  } catch (const Error& error) {
    return print_error(error);
  }
}

}  // namespace

int run_app(int argc, char** argv) {
  try {
    Globals globals;
    Action action;
    CLI::App app("Containers on one machine, without a daemon.", "myct");
    app.set_version_flag("--version", version_line());
    app.require_subcommand(0, 1);
    app.failure_message(CLI::FailureMessage::simple);
    set_usage(app, "Usage: myct [OPTIONS] COMMAND [ARG...]");
    add_globals(app, globals);
    const char* word = find_command_word(argc, argv);
    const Command* chosen = word != nullptr ? find_command(word) : nullptr;
    for (const Command& command : kCommands) {
      if (chosen != nullptr && chosen != &command) continue;
      CLI::App* subcommand = app.add_subcommand(command.name, command.summary);
      if (chosen != &command) continue;
      command.define(*subcommand, action);
      if (subcommand->get_prefix_command()) mark_end_of_options(*subcommand, argc, argv);
    }
    return parse_and_run(argc, argv, app, globals, chosen, action);
  } catch (const Error& error) {
    return print_error(error);
  } catch (const std::exception& error) {
    // Not an Error: out of memory, or a bug of ours.
    std::fprintf(stderr, "myct: internal error: %s\n", error.what());
    return kExitOwnFailure;
  }
}

}  // namespace myct::cli
