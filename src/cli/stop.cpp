// myct stop, restart, kill, pause and unpause.
#include <csignal>
#include <memory>

#include "command.hpp"
#include "flags.hpp"
#include "myct/manager/manager.hpp"
#include "output.hpp"

namespace myct::cli {
namespace {

struct StopFlags {
  std::vector<std::string> containers;
  std::string signal;
  std::optional<std::string> seconds;
};

std::shared_ptr<StopFlags> add_stop_flags(CLI::App& command) {
  auto flags = std::make_shared<StopFlags>();
  command.add_option("CONTAINER", flags->containers, "Names, ids, or unique beginnings of ids")->required();
  command.add_option("-s,--signal", flags->signal, "What is sent first, instead of the container's own stop signal")
      ->type_name("SIGNAL")
      ->take_last();
  command.add_option("-t,--timeout,--time", flags->seconds, "Seconds until SIGKILL; -1: for ever (10)")
      ->type_name("SECONDS")
      ->take_last();
  return flags;
}

manager::StopRequest parse_stop(const StopFlags& flags) {
  manager::StopRequest request;
  if (!flags.signal.empty()) request.signal = parse_signal_option(flags.signal);
  if (flags.seconds) request.seconds = parse_seconds(*flags.seconds, "--timeout");
  return request;
}

/// A command that does one thing to each container and prints its name.
template <typename Work>
void define_simple(CLI::App& command, Action& action, const char* usage, Work work) {
  const auto containers = std::make_shared<std::vector<std::string>>();
  set_usage(command, usage);
  command.add_option("CONTAINER", *containers, "Names, ids, or unique beginnings of ids")->required();
  action = [containers, work](const manager::Context& context) {
    return for_all_targets_at_once(*containers, [&](const std::string& name) {
      work(context, name);
      print_line(name);
    });
  };
}

}  // namespace

void define_stop(CLI::App& command, Action& action) {
  set_usage(command, "Usage: myct stop [OPTIONS] CONTAINER [CONTAINER...]");
  action = [flags = add_stop_flags(command)](const manager::Context& context) {
    const manager::StopRequest request = parse_stop(*flags);
    return for_all_targets_at_once(flags->containers, [&](const std::string& name) {
      manager::stop(context, name, request);
      print_line(name);
    });
  };
}

void define_restart(CLI::App& command, Action& action) {
  set_usage(command, "Usage: myct restart [OPTIONS] CONTAINER [CONTAINER...]");
  action = [flags = add_stop_flags(command)](const manager::Context& context) {
    const manager::StopRequest request = parse_stop(*flags);
    return for_all_targets_at_once(flags->containers, [&](const std::string& name) {
      manager::restart(context, name, request);
      print_line(name);
    });
  };
}

void define_kill(CLI::App& command, Action& action) {
  struct Flags {
    std::vector<std::string> containers;
    std::string signal = "KILL";
  };
  const auto flags = std::make_shared<Flags>();
  set_usage(command, "Usage: myct kill [OPTIONS] CONTAINER [CONTAINER...]");
  command.add_option("CONTAINER", flags->containers, "Names, ids, or unique beginnings of ids")->required();
  command.add_option("-s,--signal", flags->signal, "What is sent (KILL)")->type_name("SIGNAL")->take_last();
  action = [flags](const manager::Context& context) {
    const int number = parse_signal_option(flags->signal);
    return for_all_targets_at_once(flags->containers, [&](const std::string& name) {
      manager::kill(context, name, number);
      print_line(name);
    });
  };
}

void define_pause(CLI::App& command, Action& action) {
  define_simple(command, action, "Usage: myct pause CONTAINER [CONTAINER...]", manager::pause);
}

void define_unpause(CLI::App& command, Action& action) {
  define_simple(command, action, "Usage: myct unpause CONTAINER [CONTAINER...]", manager::unpause);
}

}  // namespace myct::cli
