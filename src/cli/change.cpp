// myct rename and myct update.
#include <memory>

#include "command.hpp"
#include "flags.hpp"
#include "limit_options.hpp"
#include "myct/base/error.hpp"
#include "myct/manager/manager.hpp"
#include "output.hpp"

namespace myct::cli {

void define_rename(CLI::App& command, Action& action) {
  struct Flags {
    std::string container;
    std::string name;
  };
  const auto flags = std::make_shared<Flags>();
  set_usage(command, "Usage: myct rename CONTAINER NEW_NAME");
  command.add_option("CONTAINER", flags->container, "A name, an id, or the unique beginning of one")->required();
  command.add_option("NEW_NAME", flags->name, "What it is to be called")->required();
  action = [flags](const manager::Context& context) {
    manager::rename(context, flags->container, flags->name);
    return 0;
  };
}

void define_update(CLI::App& command, Action& action) {
  struct Flags {
    std::vector<std::string> containers;
    std::optional<std::string> restart;
    LimitFlags limits;
  };
  const auto flags = std::make_shared<Flags>();
  set_usage(command, "Usage: myct update [OPTIONS] CONTAINER [CONTAINER...]");
  command.add_option("CONTAINER", flags->containers, "Names, ids, or unique beginnings of ids")->required();
  command
      .add_option("--restart", flags->restart, "When to start it again: no, on-failure[:N], always or unless-stopped")
      ->type_name("POLICY")
      ->take_last();
  add_limit_options(command, flags->limits);
  action = [flags](const manager::Context& context) {
    if (!flags->restart && !has_limits(flags->limits))
      throw Error(ErrorKind::Usage, "nothing to update", 0, "see 'myct update --help'").set_exit_status(1);
    manager::UpdateRequest request;
    if (has_limits(flags->limits)) request.limits = parse_limits(flags->limits);
    if (flags->restart) request.restart = parse_restart(*flags->restart);
    return for_all_targets_at_once(flags->containers, [&](const std::string& name) {
      manager::update(context, name, request);
      print_line(name);
    });
  };
}

}  // namespace myct::cli
