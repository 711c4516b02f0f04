// myct prune.
#include <unistd.h>

#include <fmt/format.h>
#include <memory>

#include "command.hpp"
#include "container_flags.hpp"
#include "flags.hpp"
#include "myct/base/units.hpp"
#include "myct/manager/prune.hpp"
#include "output.hpp"
#include "prune.hpp"

namespace myct::cli {

manager::PruneRequest parse_prune_filters(const std::vector<std::string>& texts) {
  manager::PruneRequest request;
  for (const std::string& text : texts) {
    const auto& [key, value] = parse_condition(text, {"until", "label", "label!"});
    if (key == "until")
      request.until = parse_point_in_time(value, "--filter until", std::chrono::system_clock::now());
    else
      (key == "label" ? request.labels : request.not_labels).push_back(value);
  }
  return request;
}

bool is_confirmed(const char* what) {
  print_text(fmt::format("WARNING! This will remove {}.\nAre you sure you want to continue? [y/N] ", what));
  (void)flush_output();
  std::string answer;
  for (char c = 0; ::read(STDIN_FILENO, &c, 1) == 1 && c != '\n';) answer += c;
  return answer == "y" || answer == "Y" || answer == "yes";
}

void define_prune(CLI::App& command, Action& action) {
  struct Flags {
    std::vector<std::string> filters;
    bool force = false;
  };
  const auto flags = std::make_shared<Flags>();
  set_usage(command, "Usage: myct prune [OPTIONS]");
  command.add_flag("-f,--force", flags->force, "Do not ask");
  add_list(command, "--filter", flags->filters, "Only those that fit: until=TIME, label=KEY[=VALUE], label!=...",
           "KEY=VALUE");
  action = [flags](const manager::Context& context) {
    const manager::PruneRequest request = parse_prune_filters(flags->filters);
    if (!flags->force && !is_confirmed("all stopped containers")) return 0;
    const manager::PruneResult result = manager::prune(context, request);
    if (!result.ids.empty()) print_line("Deleted Containers:");
    for (const std::string& id : result.ids) print_line(id);
    print_line((result.ids.empty() ? "" : "\n") + ("Total reclaimed space: " + human_size(result.bytes)));
    return 0;
  };
}

}  // namespace myct::cli
