// myct logs.
#include "myct/manager/logs.hpp"

#include <memory>

#include "command.hpp"
#include "flags.hpp"

namespace myct::cli {

void define_logs(CLI::App& command, Action& action) {
  struct Flags {
    std::string container;
    supervisor::LogsRequest request;
    std::string tail = "all";
    std::string since;
    std::string until;
  };
  const auto flags = std::make_shared<Flags>();
  set_usage(command, "Usage: myct logs [OPTIONS] CONTAINER");
  command.add_option("CONTAINER", flags->container, "A name, an id, or a unique beginning of an id")->required();
  command.add_flag("-f,--follow", flags->request.follow, "Go on with what it writes, until it ends");
  command.add_option("-n,--tail", flags->tail, "Print the last N records only")->type_name("N")->take_last();
  command.add_option("--since", flags->since, "Print what was written at that time or later")
      ->type_name("TIME")
      ->take_last();
  command.add_option("--until", flags->until, "Print what was written at that time or before")
      ->type_name("TIME")
      ->take_last();
  command.add_flag("-t,--timestamps", flags->request.timestamps, "Put the time before each line");
  command.add_flag("--details", flags->request.details, "Put each line's attributes before it");
  action = [flags](const manager::Context& context) {
    supervisor::LogsRequest& request = flags->request;
    const SystemTime now = std::chrono::system_clock::now();
    request.tail = parse_unsigned(flags->tail);  // as in Docker, what is no such number means all
    if (!flags->since.empty()) request.since = parse_point_in_time(flags->since, "--since", now);
    if (!flags->until.empty()) request.until = parse_point_in_time(flags->until, "--until", now);
    manager::print_logs(context, flags->container, request);
    return 0;
  };
}

}  // namespace myct::cli
