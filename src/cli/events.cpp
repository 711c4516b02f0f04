// myct events.
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <memory>

#include "command.hpp"
#include "container_flags.hpp"
#include "flags.hpp"
#include "format.hpp"
#include "myct/manager/events.hpp"
#include "output.hpp"

namespace myct::cli {
namespace {

struct EventsFlags {
  std::vector<std::string> filters;
  std::string since;
  std::string until;
  std::string format;
};

std::map<std::string, std::vector<std::string>> parse_filters(const std::vector<std::string>& texts) {
  std::map<std::string, std::vector<std::string>> filters;
  for (const std::string& text : texts) {
    const Condition condition = parse_condition(text, {"container", "event", "image", "label", "type"});
    filters[condition.key].push_back(condition.value);
  }
  return filters;
}

/// What docker's templates call the members that have other names in its JSON.
constexpr std::array kFieldNames = {FieldName{"Status", "status"}, FieldName{"ID", "id"},
                                    FieldName{"From", "from"},     FieldName{"Scope", "scope"},
                                    FieldName{"Time", "time"},     FieldName{"TimeNano", "timeNano"}};

/// "2024-05-01T10:00:00.123456789Z container die 0123… (exitCode=0, image=alpine, name=web)", as docker prints it.
std::string describe(const Json& event) {
  const SystemTime time{
      std::chrono::duration_cast<SystemTime::duration>(std::chrono::nanoseconds(event.value("timeNano", int64_t{0})))};
  const Json actor = event.value("Actor", Json::object());
  const Json details = actor.value("Attributes", Json::object());  // items() refers to it
  std::string attributes;
  for (const auto& [key, value] : details.items())
    attributes += fmt::format("{}{}={}", attributes.empty() ? "" : ", ", key,
                              value.is_string() ? value.get<std::string>() : value.dump());
  return fmt::format("{} {} {} {} ({})", format_time(time), event.value("Type", ""), event.value("Action", ""),
                     event.value("id", ""), attributes);
}

int print_events(const EventsFlags& flags, const manager::Context& context) {
  const SystemTime now = std::chrono::system_clock::now();
  manager::EventsRequest request{.filters = parse_filters(flags.filters), .reader = FdRef(STDOUT_FILENO)};
  if (!flags.since.empty()) request.since = parse_point_in_time(flags.since, "--since", now);
  if (!flags.until.empty()) request.until = parse_point_in_time(flags.until, "--until", now);
  std::optional<Template> shape;
  if (!flags.format.empty() && flags.format != "json") shape.emplace(replace_escapes(flags.format));
  manager::watch_events(context, request, [&](std::string_view line) {
    if (flags.format == "json") {
      print_line(line);
    } else {
      Json event = Json::parse(line);
      if (!event.contains("from")) event["from"] = "";  // an image's; to docker's templates the field is there
      print_line(shape ? shape->render({.root = event, .field_names = kFieldNames}) : describe(event));
    }
    return flush_output();  // as it happens
  });
  return 0;
}

}  // namespace

void define_events(CLI::App& command, Action& action) {
  const auto flags = std::make_shared<EventsFlags>();
  set_usage(command, "Usage: myct events [OPTIONS]");
  add_list(command, "-f,--filter", flags->filters, "Only events that fit: container, event, image, label, type",
           "KEY=VALUE");
  command.add_option("--since", flags->since, "Print those since that time, too")->type_name("TIME")->take_last();
  command.add_option("--until", flags->until, "End at that time")->type_name("TIME")->take_last();
  command.add_option("--format", flags->format, "json, or a template for each event")->type_name("FORMAT")->take_last();
  action = [flags](const manager::Context& context) { return print_events(*flags, context); };
}

}  // namespace myct::cli
