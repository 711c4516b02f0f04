// myct rm.
#include <memory>

#include "command.hpp"
#include "myct/base/error.hpp"
#include "myct/manager/manager.hpp"
#include "output.hpp"

namespace myct::cli {

void define_rm(CLI::App& command, Action& action) {
  struct Flags {
    std::vector<std::string> containers;
    bool force = false;
    bool volumes = false;
  };
  const auto flags = std::make_shared<Flags>();
  set_usage(command, "Usage: myct rm [OPTIONS] CONTAINER [CONTAINER...]");
  command.add_option("CONTAINER", flags->containers, "Names, ids, or unique beginnings of ids")->required();
  command.add_flag("-f,--force", flags->force, "Kill it if it runs; one that does not exist is no error");
  command.add_flag("-v,--volumes", flags->volumes, "Remove its anonymous volumes, too");
  action = [flags](const manager::Context& context) {
    const auto running = flags->force ? manager::RemoveRunning::Kill : manager::RemoveRunning::Refuse;
    const auto volumes = flags->volumes ? manager::RemoveVolumes::Anonymous : manager::RemoveVolumes::No;
    return for_all_targets_at_once(flags->containers, [&](const std::string& name) {
      try {
        manager::remove_container(context, name, running, volumes);
      } catch (const Error& error) {
        if (!flags->force || error.kind() != ErrorKind::NotFound) throw;
        return;
      }
      print_line(name);
    });
  };
}

}  // namespace myct::cli
