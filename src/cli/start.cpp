// myct start, attach and wait.
#include <memory>

#include "command.hpp"
#include "container_flags.hpp"
#include "flags.hpp"
#include "myct/base/error.hpp"
#include "myct/manager/manager.hpp"
#include "output.hpp"

namespace myct::cli {
namespace {

struct StartFlags {
  std::vector<std::string> containers;
  AttachFlags attach;
  bool attached = false;
  bool interactive = false;
  bool all_restartable = false;
};

int start_restartable(const StartFlags& flags, const manager::Context& context) {
  if (!flags.containers.empty() || flags.attached || flags.interactive)
    throw_error(ErrorKind::Usage, "--all-restartable takes no container and is not attached to any");
  return manager::start_restartable(context) == 0 ? 0 : 1;
}

int start(const StartFlags& flags, const manager::Context& context) {
  if (flags.all_restartable) return start_restartable(flags, context);
  if (flags.containers.empty())
    throw Error(ErrorKind::Usage, "no container given", 0, "see 'myct start --help'").set_exit_status(1);
  if (flags.attached || flags.interactive) {
    if (flags.containers.size() > 1)
      throw Error(ErrorKind::Usage, "only one container can be attached to", 0, "start the others without -a and -i")
          .set_exit_status(1);
    return manager::start_attached(context, flags.containers.front(),
                                   parse_attachment(flags.attach, flags.interactive));
  }
  return for_all_targets_at_once(flags.containers, [&](const std::string& name) {
    manager::start(context, name);
    print_line(name);
  });
}

}  // namespace

void define_start(CLI::App& command, Action& action) {
  const auto flags = std::make_shared<StartFlags>();
  set_usage(command, "Usage: myct start [OPTIONS] CONTAINER [CONTAINER...]\n       myct start --all-restartable");
  command.add_option("CONTAINER", flags->containers, "Names, ids, or unique beginnings of ids");
  command.add_flag("-a,--attach", flags->attached, "Show what it writes, and end with its status");
  command.add_flag("-i,--interactive", flags->interactive, "The same, and give it your input, if it was made with -i");
  add_attach_flags(command, flags->attach);
  command.add_flag("--all-restartable", flags->all_restartable,
                   "Start what its restart policy wants to run after a boot");
  action = [flags](const manager::Context& context) { return start(*flags, context); };
}

void define_attach(CLI::App& command, Action& action) {
  struct Flags {
    std::string container;
    AttachFlags attach;
    bool no_stdin = false;
  };
  const auto flags = std::make_shared<Flags>();
  set_usage(command, "Usage: myct attach [OPTIONS] CONTAINER");
  command.add_option("CONTAINER", flags->container, "A name, an id, or the unique beginning of one")->required();
  command.add_flag("--no-stdin", flags->no_stdin, "Do not give it your input");
  add_attach_flags(command, flags->attach);
  action = [flags](const manager::Context& context) {
    const std::optional<int> status =
        manager::attach(context, flags->container, parse_attachment(flags->attach, !flags->no_stdin));
    if (status) return *status;
    throw detached_error("container");
  };
}

void define_wait(CLI::App& command, Action& action) {
  const auto containers = std::make_shared<std::vector<std::string>>();
  set_usage(command, "Usage: myct wait CONTAINER [CONTAINER...]");
  command.add_option("CONTAINER", *containers, "Names, ids, or unique beginnings of ids")->required();
  action = [containers](const manager::Context& context) {
    return for_all_targets_at_once(
        *containers, [&](const std::string& name) { print_line(std::to_string(manager::wait(context, name))); });
  };
}

}  // namespace myct::cli
