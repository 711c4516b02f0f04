// The commands of `myct oci` but exec and update.
#include <fcntl.h>
#include <signal.h>

#include <algorithm>
#include <array>
#include <memory>

#include "command.hpp"
#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/base/json.hpp"
#include "myct/base/process_table.hpp"
#include "myct/base/signals.hpp"
#include "myct/base/when.hpp"
#include "myct/spec/runtime_state.hpp"
#include "oci.hpp"
#include "output.hpp"

namespace myct::cli {
namespace {

enum class OutputFormat : uint8_t { Table, Json };

OutputFormat parse_format(const std::string& text) {
  if (text == "table") return OutputFormat::Table;
  if (text == "json") return OutputFormat::Json;
  throw_error(ErrorKind::Usage, "unknown format '{}': table or json", text);
}

void add_creation_options(CLI::App& command, runtime::CreateRequest& request) {
  command.add_option("-b,--bundle", request.bundle, "The bundle's directory (the working directory)")->type_name("DIR");
  command.add_option("-f,--config", request.config, "The configuration (config.json of the bundle)")->type_name("FILE");
  command.add_option("--console-socket", request.console_socket, "Give the terminal to who listens there")
      ->type_name("SOCKET");
  command.add_option("--pid-file", request.pid_file, "Write the pid of the container's init into a file")
      ->type_name("FILE");
  command.add_option("--preserve-fds", request.preserved_descriptors, "Leave that many descriptors, from 3 on, open")
      ->type_name("N")
      ->check(CLI::Range(0, 1 << 16));
  command.add_flag_callback(
      "--no-pivot", [&] { request.pivot = false; },
      "Change the root by MS_MOVE and chroot: for hosts whose root is the initial ramfs");
  command.add_flag_callback(
      "--no-new-keyring", [&] { request.new_keyring = false; }, "Leave the caller's session keyring to the container");
  add_container_id(command, request.id);
}

void define_create(CLI::App& command, OciAction& action) {
  const auto request = std::make_shared<runtime::CreateRequest>();
  add_creation_options(command, *request);
  action = [request](const runtime::Context& context) {
    runtime::create(context, *request);
    return 0;
  };
}

void define_run(CLI::App& command, OciAction& action) {
  const auto request = std::make_shared<runtime::RunRequest>();
  command.add_flag("-d,--detach", request->detach, "Do not wait for the container's end");
  command.add_flag("--keep", request->keep, "Do not delete the container at its end");
  add_creation_options(command, request->create);
  action = [request](const runtime::Context& context) { return runtime::run(context, *request); };
}

json::Value state_value(const runtime::State& state) {
  json::Value value{{"ociVersion", oci::kVersion},
                    {"id", state.id},
                    {"status", runtime::status_word(state.status)},
                    {"pid", state.pid},
                    {"bundle", state.bundle},
                    {"rootfs", state.rootfs},
                    {"created", state.created},
                    {"owner", state.owner == 0 ? "root" : std::to_string(state.owner)}};
  json::write_unless_empty(value, "annotations", state.annotations);
  return value;
}

void define_state(CLI::App& command, OciAction& action) {
  const auto id = std::make_shared<std::string>();
  add_container_id(command, *id);
  action = [id](const runtime::Context& context) {
    print_line(state_value(runtime::state(context, *id)).dump(2));
    return 0;
  };
}

struct KillFlags {
  std::string id;
  std::string signal = "SIGTERM";
  bool all = false;
};

void define_kill(CLI::App& command, OciAction& action) {
  const auto flags = std::make_shared<KillFlags>();
  command.add_flag("-a,--all", flags->all, "Send it to all processes of the container");
  add_container_id(command, flags->id);
  command.add_option("SIGNAL", flags->signal, "By name or number (SIGTERM)");
  action = [flags](const runtime::Context& context) {
    const std::optional<int> signal = parse_signal(flags->signal);
    if (!signal) throw_error(ErrorKind::Usage, "unknown signal '{}'", flags->signal);
    runtime::kill(context, flags->id, *signal, flags->all ? runtime::Whom::All : runtime::Whom::Init);
    return 0;
  };
}

struct DeleteFlags {
  std::string id;
  bool force = false;
};

void define_delete(CLI::App& command, OciAction& action) {
  const auto flags = std::make_shared<DeleteFlags>();
  command.add_flag("-f,--force", flags->force, "Kill it first if it runs; be content if there is none");
  add_container_id(command, flags->id);
  action = [flags](const runtime::Context& context) {
    runtime::remove(context, flags->id, flags->force ? runtime::Force::Yes : runtime::Force::No);
    return 0;
  };
}

struct ListFlags {
  std::string format = "table";
  bool quiet = false;
};

void print_states(const std::vector<runtime::State>& states, const ListFlags& flags) {
  if (flags.quiet) {
    for (const runtime::State& state : states) print_line(state.id);
    return;
  }
  if (parse_format(flags.format) == OutputFormat::Json) {
    json::Value values = json::Value::array();
    for (const runtime::State& state : states) values.push_back(state_value(state));
    print_line(values.dump());
    return;
  }
  std::vector<std::vector<std::string>> rows = {{"ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"}};
  for (const runtime::State& state : states)
    rows.push_back({state.id, std::to_string(state.pid), std::string(runtime::status_word(state.status)), state.bundle,
                    state.created, state.owner == 0 ? "root" : std::to_string(state.owner)});
  print_line(format_table(rows));
}

void define_list(CLI::App& command, OciAction& action) {
  const auto flags = std::make_shared<ListFlags>();
  command.add_option("-f,--format", flags->format, "table or json")->type_name("FORMAT");
  command.add_flag("-q,--quiet", flags->quiet, "Print ids alone");
  action = [flags](const runtime::Context& context) {
    print_states(runtime::list(context), *flags);
    return 0;
  };
}

struct PsFlags {
  std::string id;
  std::string format = "table";
};

void define_ps(CLI::App& command, OciAction& action) {
  const auto flags = std::make_shared<PsFlags>();
  command.add_option("-f,--format", flags->format, "table, as ps(1) prints it, or json: the pids")->type_name("FORMAT");
  add_container_id(command, flags->id);
  command.prefix_command();
  action = [flags, &command](const runtime::Context& context) {
    if (parse_format(flags->format) == OutputFormat::Json) {
      print_line(json::Value(runtime::processes(context, flags->id)).dump());
      return 0;
    }
    const auto find = [&] {
      const std::vector<pid_t> pids = runtime::processes(context, flags->id);
      return std::set<pid_t>(pids.begin(), pids.end());
    };
    const ProcessTable table = list_processes(find, command.remaining());
    std::vector<std::vector<std::string>> rows = {table.titles};
    rows.insert(rows.end(), table.rows.begin(), table.rows.end());
    print_line(format_table(rows));
    return 0;
  };
}

template <void (*Do)(const runtime::Context&, const std::string&)>
void define_simple(CLI::App& command, OciAction& action) {
  const auto id = std::make_shared<std::string>();
  add_container_id(command, *id);
  action = [id](const runtime::Context& context) {
    Do(context, *id);
    return 0;
  };
}

struct EventFlags {
  std::string id;
  std::string interval = "5s";
  bool stats = false;
};

void define_events(CLI::App& command, OciAction& action) {
  const auto flags = std::make_shared<EventFlags>();
  command.add_option("--interval", flags->interval, "How often (5s)")->type_name("DURATION");
  command.add_flag("--stats", flags->stats, "Print the statistics once, and end");
  add_container_id(command, flags->id);
  action = [flags](const runtime::Context& context) {
    if (flags->stats) {
      print_line(runtime::stats(context, flags->id));
      return 0;
    }
    const auto interval = parse_duration(flags->interval);
    if (!interval || *interval < std::chrono::seconds(1))
      throw_error(ErrorKind::Usage, "interval '{}' is no duration of a second or more", flags->interval);
    runtime::events(context, flags->id, std::chrono::duration_cast<std::chrono::seconds>(*interval),
                    [](const std::string& line) {
                      print_line(line);
                      flush_output();
                    });
    return 0;
  };
}

void define_spec(CLI::App& command, OciAction& action) {
  const auto bundle = std::make_shared<std::string>(".");
  command.add_option("-b,--bundle", *bundle, "The directory to write config.json into (the working directory)")
      ->type_name("DIR");
  action = [bundle](const runtime::Context&) {
    const Fd directory = open_path(*bundle, O_RDONLY | O_DIRECTORY);
    create_atomically(directory.ref(), "config.json", runtime::example_spec(), Durability::SurvivesProcessDeath);
    return 0;
  };
}

void define_features(CLI::App&, OciAction& action) {
  action = [](const runtime::Context&) {
    print_text(runtime::features());
    return 0;
  };
}

constexpr std::array kCommands = {
    OciCommand{"create", "Make a container from a bundle", define_create},
    OciCommand{"start", "Execute the program of a container that was created", define_simple<runtime::start>},
    OciCommand{"run", "Create and start a container", define_run},
    OciCommand{"state", "Print the state of a container", define_state},
    OciCommand{"kill", "Send a signal to a container", define_kill},
    OciCommand{"delete", "Remove a container that has ended", define_delete},
    OciCommand{"exec", "Execute one more process in a container", define_oci_exec},
    OciCommand{"ps", "List the processes of a container", define_ps},
    OciCommand{"list", "List containers", define_list},
    OciCommand{"pause", "Freeze all processes of a container", define_simple<runtime::pause>},
    OciCommand{"resume", "Let a frozen container go on", define_simple<runtime::resume>},
    OciCommand{"update", "Change the limits of a container", define_oci_update},
    OciCommand{"events", "Print what a container uses, again and again", define_events},
    OciCommand{"spec", "Write an example of a config.json", define_spec},
    OciCommand{"features", "Print what this runtime can do", define_features},
};

}  // namespace

std::span<const OciCommand> oci_commands() { return kCommands; }

}  // namespace myct::cli
