#include "myct/cli/app.hpp"

#include <unistd.h>

#include <array>
#include <cstdio>
#include <optional>
#include <string_view>

#include "command.hpp"
#include "command_line.hpp"
#include "complete.hpp"
#include "globals.hpp"
#include "man.hpp"
#include "myct/base/error.hpp"
#include "myct/base/log.hpp"
#include "myct/manager/health.hpp"
#include "myct/manager/supervise.hpp"
#include "myct/network/name_server.hpp"
#include "myct/network/relay.hpp"
#include "myct/supervisor/handover.hpp"
#include "myct/supervisor/health_timer.hpp"
#include "output.hpp"
#include "parse_error.hpp"

namespace myct::cli {
namespace {

constexpr std::array kCommands = {
    Command{"run", "Create a container from an image and run a command in it", define_run, NeedsRoot::Yes, Offer::All,
            ExitRule::Run, "",
            "All words after the image are the command: they belong to the program even if they look like options. "
            "Without a command the image's own is run."},
    Command{"create", "Create a container and do not start it", define_create, NeedsRoot::Yes},
    Command{"start", "Start containers that exist", define_start, NeedsRoot::Yes, Offer::Stopped, ExitRule::Program},
    Command{"stop", "Ask containers to end, and kill those that do not", define_stop, NeedsRoot::Yes, Offer::Running},
    Command{"restart", "Stop containers and start them again", define_restart, NeedsRoot::Yes},
    Command{"kill", "Send a signal to containers", define_kill, NeedsRoot::Yes, Offer::Running},
    Command{"pause", "Freeze all processes of containers", define_pause, NeedsRoot::Yes, Offer::Running},
    Command{"unpause", "Let frozen containers go on", define_unpause, NeedsRoot::Yes, Offer::Paused},
    Command{"exec", "Run a command in a running container", define_exec, NeedsRoot::Yes, Offer::Running,
            ExitRule::Program},
    Command{"healthcheck run", "Check the health of a container now", define_healthcheck_run, NeedsRoot::Yes,
            Offer::Running},
    Command{"attach", "Attach your terminal to a running container", define_attach, NeedsRoot::Yes, Offer::Running,
            ExitRule::Program},
    Command{"wait", "Wait until containers end, and print their exit statuses", define_wait, NeedsRoot::Yes},
    Command{"rename", "Give a container another name", define_rename, NeedsRoot::Yes},
    Command{"update", "Change containers, running or not", define_update, NeedsRoot::Yes},
    Command{"ps", "List containers", define_ps, NeedsRoot::Yes, Offer::All, ExitRule::Template, "ls"},
    Command{"logs", "Print what a container has written", define_logs, NeedsRoot::Yes},
    Command{"inspect", "Print all about containers and images", define_inspect, NeedsRoot::Yes, Offer::All,
            ExitRule::Template},
    Command{"rm", "Remove containers", define_rm, NeedsRoot::Yes},
    Command{"cp", "Copy files between a container and the host", define_cp, NeedsRoot::Yes},
    Command{"diff", "List what a container has changed in its image's files", define_diff, NeedsRoot::Yes},
    Command{"top", "Show the processes of a container", define_top, NeedsRoot::Yes, Offer::Running},
    Command{"stats", "Show what containers use, again and again", define_stats, NeedsRoot::Yes, Offer::Running},
    Command{"port", "List the ports of a container that are published", define_port, NeedsRoot::Yes},
    Command{"network create", "Make a network of your own", define_network_create, NeedsRoot::Yes},
    Command{"network ls", "List networks", define_network_ls, NeedsRoot::Yes, Offer::All, ExitRule::Template},
    Command{"network inspect", "Print all about networks", define_network_inspect, NeedsRoot::Yes, Offer::All,
            ExitRule::Template},
    Command{"network connect", "Put a container on a network", define_network_connect, NeedsRoot::Yes},
    Command{"network disconnect", "Take a container off a network", define_network_disconnect, NeedsRoot::Yes},
    Command{"network rm", "Remove networks", define_network_rm, NeedsRoot::Yes},
    Command{"network prune", "Remove all networks that no container is on", define_network_prune, NeedsRoot::Yes},
    Command{"pull", "Fetch an image from a registry", define_pull, NeedsRoot::Yes},
    Command{"push", "Put an image into a registry", define_push, NeedsRoot::Yes},
    Command{"login", "Tell a registry who you are, and keep that", define_login, NeedsRoot::No},
    Command{"logout", "Forget what was kept for a registry", define_logout, NeedsRoot::No},
    Command{"commit", "Make an image of what a container has changed", define_commit, NeedsRoot::Yes},
    Command{"export", "Write a container's root file system into an archive", define_export, NeedsRoot::Yes},
    Command{"import", "Make an image from a root file system tarball", define_import, NeedsRoot::Yes},
    Command{"save", "Write images into an archive", define_save, NeedsRoot::Yes},
    Command{"load", "Take images from an archive", define_load, NeedsRoot::Yes},
    Command{"images", "List images", define_images, NeedsRoot::Yes, Offer::All, ExitRule::Template},
    Command{"tag", "Give an image another name", define_tag, NeedsRoot::Yes},
    Command{"history", "Show how an image was made", define_history, NeedsRoot::Yes, Offer::All, ExitRule::Template},
    Command{"image inspect", "Print all about images", define_image_inspect, NeedsRoot::Yes, Offer::All,
            ExitRule::Template},
    Command{"image prune", "Remove all images that nobody uses", define_image_prune, NeedsRoot::Yes},
    Command{"rmi", "Remove images", define_rmi, NeedsRoot::Yes},
    Command{"events", "Tell what happens to containers and images, as it happens", define_events, NeedsRoot::Yes,
            Offer::All, ExitRule::Template},
    Command{"prune", "Remove all containers that do not run", define_prune, NeedsRoot::Yes},
    Command{"system check", "Say what kills and crashes have left over, and mend it", define_system_check,
            NeedsRoot::Yes},
    Command{"system df", "Say what images, containers and volumes take on the disk", define_system_df, NeedsRoot::Yes,
            Offer::All, ExitRule::Template},
    Command{"completion", "Print a completion script for a shell", define_completion, NeedsRoot::No, Offer::All,
            ExitRule::Plain, "",
            "Packages install the scripts where the shells find them. To try one: source <(myct completion bash), or "
            "myct completion fish | source."},
    Command{"version", "Print the version", define_version, NeedsRoot::No, Offer::All, ExitRule::Template},
};

/// --help and --version are no complaints.
int print_parse_error(CLI::App& app, const Command* command, const CLI::ParseError& error) {
  if (error.get_exit_code() == 0) return app.exit(error);
  const std::string topic = command != nullptr ? std::string(command->name) + " " : "";
  const CLI::App& part = command != nullptr ? *app.get_subcommand(subcommand_name(*command)) : app;
  return print_error(explain_parse_error(app, part, error, "see 'myct " + topic + "--help'"));
}

/// An error's own status; where it has none, 125 for wrong options and for `run`, else 1.
int exit_status_of(const Error& error, const Command* command) {
  const bool own = error.exit_status() != kExitOwnFailure || error.kind() == ErrorKind::Usage;
  return own || command == nullptr || command->exit_rule == ExitRule::Run ? error.exit_status() : kExitFailure;
}

int parse_and_run(const CommandLine& line, CLI::App& app, const Globals& globals, const Action& action) {
  try {
    app.parse(static_cast<int>(line.storage.size()), line.words.data());
    if (globals.debug) log::set_level(log::Level::Debug);
    if (!action)
      throw Error(ErrorKind::Usage, "no command given", 0, "see 'myct --help'").set_exit_status(kExitFailure);
    if (line.command != nullptr && line.command->needs_root == NeedsRoot::Yes && ::geteuid() != 0)
      throw Error(ErrorKind::Denied, "only root can make and see containers", 0, "run myct as root, e.g. by sudo");
    const int status = action(make_context(globals));
    flush_output();
    return status;
  } catch (const CLI::ParseError& error) {
    return print_parse_error(app, line.command, error);
  } catch (const Error& error) {
    print_error(error);
    return exit_status_of(error, line.command);
  }
}

/// Starts a network's name server as the start of a container does: NETWORK DIRECTORY CONTAINERS BRIDGE GATEWAY SUBNET
/// [internal].
int start_name_server(std::span<char* const> words) {
  network::ensure_name_server({.network = words[0],
                               .directory = words[1],
                               .run_containers = words[2],
                               .bridge = words[3],
                               .gateways = {words[4]},
                               .subnets = {words[5]},
                               .forwarding = words.size() > 6 ? network::Forwarding::No : network::Forwarding::Yes});
  return 0;
}

/// What the completion scripts, the build and the tests ask for; --help does not show it.
std::optional<int> run_hidden_command(int argc, char** argv) {
  const std::string_view word = argc > 1 ? argv[1] : "";
  if (word == "__complete") return print_candidates({argv + 2, argv + argc});
  if (word == "__name_server" && argc >= 8) return start_name_server({argv + 2, argv + argc});
  if (word == "__man" && argc == 3) return write_manual(argv[2]);
  return std::nullopt;
}

}  // namespace

std::span<const Command> commands() { return kCommands; }

int run_app(int argc, char** argv) {
  if (argc > 0 && std::string_view(argv[0]) == supervisor::kSupervisorName) return manager::supervise(argc, argv);
  if (argc > 0 && std::string_view(argv[0]) == supervisor::kHealthName) return manager::do_health_check(argc, argv);
  if (argc > 0 && std::string_view(argv[0]) == network::kNameServerName) return network::serve_names(argc, argv);
  if (argc > 0 && std::string_view(argv[0]) == network::kRelayName) return network::relay_ports(argc, argv);
  try {
    if (const std::optional<int> status = run_hidden_command(argc, argv)) return *status;
    CommandLine line = parse_command_line(argc, argv);
    if (!line.noun.empty()) {
      print_text(help_of_noun(line.noun));
      flush_output();
      return 0;
    }
    Globals globals;
    Action action;
    CLI::App app("Containers on one machine, without a daemon.", "myct");
    define_program(app, globals);
    for (const Command& command : kCommands) {
      if (line.command != nullptr && line.command != &command) continue;
      CLI::App* subcommand = app.add_subcommand(subcommand_name(command), command.summary);
      if (line.command != &command) continue;
      define_command(command, *subcommand, action);
      adapt_options(*subcommand, line);
    }
    return parse_and_run(line, app, globals, action);
  } catch (const Error& error) {
    return print_error(error);
  } catch (const std::exception& error) {
    // Not an Error: out of memory, or a bug of ours.
    std::fprintf(stderr, "myct: internal error: %s\n", error.what());
    return kExitOwnFailure;
  }
}

}  // namespace myct::cli
