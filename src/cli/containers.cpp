// myct ps and myct rm.
#include <memory>

#include "command.hpp"
#include "myct/base/error.hpp"
#include "myct/base/units.hpp"
#include "myct/manager/manager.hpp"
#include "output.hpp"

namespace myct::cli {
namespace {

std::string duration_since(SystemTime time) {
  return human_duration(std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now() - time));
}

std::string status_text(const manager::ContainerSummary& container) {
  switch (container.status) {
    case state::Status::Created:
      return "Created";
    case state::Status::Running:
      return "Up " + duration_since(container.record.started_at.value_or(container.record.created));
    case state::Status::Paused:
      return "Up " + duration_since(container.record.started_at.value_or(container.record.created)) + " (Paused)";
    case state::Status::Restarting:
      return "Restarting (" + std::to_string(container.record.outcome ? container.record.outcome->exit_code : 0) + ")";
    case state::Status::Exited:
      break;
  }
  // Cut short by a kill or the end of the boot: nobody knows its status, so none is made up.
  if (!container.record.outcome) return "Exited (unknown)";
  return "Exited (" + std::to_string(container.record.outcome->exit_code) + ") " +
         duration_since(container.record.outcome->finished_at) + " ago";
}

constexpr size_t kCommandWidth = 20;

void print_containers(const std::vector<manager::ContainerSummary>& containers, bool full) {
  std::vector<std::vector<std::string>> rows = {{"CONTAINER ID", "IMAGE", "COMMAND", "CREATED", "STATUS", "NAMES"}};
  for (const manager::ContainerSummary& container : containers) {
    const state::Record& record = container.record;
    rows.push_back({full ? record.id : short_id(record.id), record.image,
                    quoted_command(record.command, full ? std::string::npos : kCommandWidth),
                    duration_since(record.created) + " ago", status_text(container), record.name});
  }
  print_line(format_table(rows));
}

}  // namespace

void define_ps(CLI::App& command, Action& action) {
  struct Flags {
    bool all = false;
    bool quiet = false;
    bool full = false;
  };
  const auto flags = std::make_shared<Flags>();
  set_usage(command, "Usage: myct ps [OPTIONS]");
  command.add_flag("-a,--all", flags->all, "Show those that do not run, too");
  command.add_flag("-q,--quiet", flags->quiet, "Print ids only");
  command.add_flag("--no-trunc", flags->full, "Print whole ids and commands");
  action = [flags](const manager::Context& context) {
    std::vector<manager::ContainerSummary> containers = manager::list_containers(context);
    if (!flags->all)
      std::erase_if(containers, [](const auto& container) { return !state::is_active(container.status); });
    if (!flags->quiet) {
      print_containers(containers, flags->full);
      return 0;
    }
    for (const manager::ContainerSummary& container : containers)
      print_line(flags->full ? container.record.id : short_id(container.record.id));
    return 0;
  };
}

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
    return for_each_target(flags->containers, [&](const std::string& name) {
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
