// myct ps.
#include <algorithm>
#include <array>
#include <memory>

#include "command.hpp"
#include "format.hpp"
#include "myct/base/error.hpp"
#include "myct/base/units.hpp"
#include "myct/image/store.hpp"
#include "myct/manager/filter.hpp"
#include "myct/manager/inspect.hpp"
#include "myct/manager/manager.hpp"
#include "myct/manager/network.hpp"
#include "output.hpp"
#include "time_text.hpp"

namespace myct::cli {
namespace {

using manager::ContainerSummary;

struct Flags {
  bool all = false;
  bool quiet = false;
  bool full = false;
  bool size = false;
  bool latest = false;
  std::optional<std::string> last;
  std::vector<std::string> filters;
  std::string format;
};

constexpr size_t kCommandWidth = 20;
constexpr size_t kMountWidth = 15;

constexpr const char* kTable =
    "{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}\t{{.Names}}";

/// " (healthy)", " (health: starting)"; nothing without a health check.
std::string health_note(const std::optional<state::Health>& health) {
  if (!health) return {};
  const bool is_starting = health->status == state::HealthStatus::Starting;
  return fmt::format(" ({}{})", is_starting ? "health: " : "", state::health_word(health->status));
}

std::string status_text(const ContainerSummary& container) {
  const state::Record& record = container.record;
  const std::string up = "Up " + duration_since(record.started_at.value_or(record.created));
  const std::optional<SystemTime> end = record.outcome ? record.outcome->finished_at : std::nullopt;
  const std::string ago = end ? " " + duration_since(*end) + " ago" : "";
  const std::string code = "(" + std::to_string(manager::exit_code_of(record)) + ")";
  switch (container.status) {
    case state::Status::Created:
      return "Created";
    case state::Status::Running:
      return up + health_note(container.health);
    case state::Status::Paused:
      return up + " (Paused)";
    case state::Status::Restarting:
      return "Restarting " + code + ago;
    case state::Status::Exited:
      break;
  }
  return "Exited " + code + ago;
}

std::string join(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ",") + word;
  return text;
}

std::string labels_text(const state::Record& record) {
  std::vector<std::string> words;
  for (const auto& [key, value] : record.labels) words.push_back(key + "=" + value);
  return join(words);
}

std::string mounts_text(const state::Record& record, bool full) {
  std::vector<std::string> names;
  for (const state::MountPoint& mount : record.settings.mounts) {
    if (mount.type == "tmpfs") continue;
    const std::string& name = mount.name.empty() ? mount.source : mount.name;
    names.push_back(full ? name : ellipsis(name, kMountWidth));
  }
  return join(names);
}

std::string networks_text(const state::Settings& settings) {
  if (!settings.uses_networks()) return settings.network;
  std::string text;
  for (const state::NetworkAttachment& attachment : settings.networks)
    text.append(text.empty() ? "" : ",").append(attachment.network);
  return text;
}

size_t count_volumes(const state::Record& record) {
  size_t count = 0;
  for (const state::MountPoint& mount : record.settings.mounts) count += mount.type == "volume" ? 1 : 0;
  return count;
}

/// How to show.
struct View {
  const manager::Context& context;
  bool full = false;
  bool with_size = false;
  bool with_labels = false;
};

std::string size_text(const View& view, const state::Record& record) {
  if (!view.with_size) return "0B";
  const manager::ContainerSize size = manager::measure_container(view.context, record);
  const std::string written = human_size(size.written, 3);
  return size.image == 0 ? written : written + " (virtual " + human_size(size.written + size.image, 3) + ")";
}

struct Field {
  Column column;
  std::string (*value)(const View& view, const ContainerSummary& container);
};

/// In alphabetical order, as they are in docker's JSON.
/// Whether `next` goes on where a range that has begun with `first` has come to after `count` ports.
bool continues(const state::PublishedPort& first, const state::PublishedPort& next, int count) {
  return next.host_address == first.host_address && next.protocol == first.protocol &&
         next.host_port == first.host_port + count && next.container_port == first.container_port + count;
}

/// Takes out of `ports` the first one and what goes on where it ends, which need not be next to it: a port that is
/// published at both families' addresses is there twice. "0.0.0.0:8000-8001->80-81/tcp"
std::string take_range(std::vector<state::PublishedPort>& ports) {
  const state::PublishedPort first = ports.front();
  int count = 0;
  std::erase_if(ports, [&](const state::PublishedPort& port) {
    const bool is_next = continues(first, port, count);
    if (is_next) ++count;
    return is_next;
  });
  const auto range = [count](int begin) {
    return count == 1 ? std::to_string(begin) : fmt::format("{}-{}", begin, begin + count - 1);
  };
  return fmt::format("{}:{}->{}/{}", state::address_text(first), range(first.host_port), range(first.container_port),
                     state::protocol_word(first.protocol));
}

/// "0.0.0.0:8000-8001->80-81/tcp, [::]:8000-8001->80-81/tcp, 127.0.0.1:53->53/udp"
std::string ports_text(std::vector<state::PublishedPort> ports) {
  std::string text;
  while (!ports.empty()) text += (text.empty() ? "" : ", ") + take_range(ports);
  return text;
}

/// "80/tcp, 443/tcp": those that the program of a running container listens on and nobody has published, as Docker has
/// them before the published ones.
std::string all_ports_text(const ContainerSummary& container) {
  std::string text;
  const state::Settings& settings = container.record.settings;
  if (settings.uses_networks() && settings.networks.empty()) return text;  // it has been taken off all
  for (const std::string& exposed : settings.exposed) {
    const bool is_published =
        std::any_of(container.ports.begin(), container.ports.end(),
                    [&](const state::PublishedPort& port) { return state::container_side(port) == exposed; });
    if (!is_published && state::is_active(container.status)) text += (text.empty() ? "" : ", ") + exposed;
  }
  const std::string published = ports_text(container.ports);
  return text + (text.empty() || published.empty() ? "" : ", ") + published;
}

constexpr std::array kFields = {
    Field{{"Command", "COMMAND"},
          [](const View& view, const ContainerSummary& c) {
            return quoted_command(c.record.command, view.full ? std::string::npos : kCommandWidth);
          }},
    Field{{"CreatedAt", "CREATED AT"},
          [](const View&, const ContainerSummary& c) { return local_time(c.record.created); }},
    Field{{"HealthStatus", "HEALTH STATUS"},
          [](const View&, const ContainerSummary& c) {
            return c.health ? std::string(state::health_word(c.health->status)) : std::string();
          }},
    Field{{"ID", "CONTAINER ID"},
          [](const View& view, const ContainerSummary& c) { return view.full ? c.record.id : short_id(c.record.id); }},
    Field{{"Image", "IMAGE"}, [](const View&, const ContainerSummary& c) { return c.record.image; }},
    Field{{"Labels", "LABELS"}, [](const View&, const ContainerSummary& c) { return labels_text(c.record); }},
    Field{{"LocalVolumes", "LOCAL VOLUMES"},
          [](const View&, const ContainerSummary& c) { return std::to_string(count_volumes(c.record)); }},
    Field{{"Mounts", "MOUNTS"},
          [](const View& view, const ContainerSummary& c) { return mounts_text(c.record, view.full); }},
    Field{{"Names", "NAMES"}, [](const View&, const ContainerSummary& c) { return c.record.name; }},
    Field{{"Networks", "NETWORKS"},
          [](const View&, const ContainerSummary& c) { return networks_text(c.record.settings); }},
    Field{{"Platform", "PLATFORM"}, [](const View&, const ContainerSummary&) { return std::string("linux"); }},
    Field{{"Ports", "PORTS"}, [](const View&, const ContainerSummary& c) { return all_ports_text(c); }},
    Field{{"RunningFor", "CREATED"},
          [](const View&, const ContainerSummary& c) { return duration_since(c.record.created) + " ago"; }},
    Field{{"Size", "SIZE"}, [](const View& view, const ContainerSummary& c) { return size_text(view, c.record); }},
    Field{{"State", "STATE"},
          [](const View&, const ContainerSummary& c) { return std::string(state::status_word(c.status)); }},
    Field{{"Status", "STATUS"}, [](const View&, const ContainerSummary& c) { return status_text(c); }},
};

Row make_row(const View& view, const std::vector<const Field*>& fields, const ContainerSummary& container) {
  // Filled in order and without asking whether a key is there already: a thousand rows are to take milliseconds.
  Json::object_t values;
  values.reserve(fields.size());
  for (const Field* field : fields) values.emplace_back(field->column.field, field->value(view, container));
  Row row{.fields = std::move(values), .labels = {}};
  if (view.with_labels) row.labels = container.record.labels;
  return row;
}

/// As in docker, 0 and less are no bound.
int64_t parse_last(const std::string& text) {
  if (const std::optional<int64_t> last = parse_signed(text)) return *last;
  throw_error(ErrorKind::Usage, "--last: '{}' is not a number", text);
}

/// What is left of all containers: filters first, then the bound on their number (docker's order).
std::vector<ContainerSummary> select(const manager::Context& context, const Flags& flags) {
  manager::ContainerFilter filter = manager::parse_container_filter(flags.filters);
  if (!filter.networks.empty()) filter.networks = manager::name_networks(context, filter.networks);
  const int64_t last = flags.latest ? 1 : parse_last(flags.last.value_or("-1"));
  const bool all = flags.all || last > 0 || !filter.statuses.empty();
  std::vector<ContainerSummary> containers = manager::list_containers(context);
  const std::vector<image::ImageSummary> images =
      filter.ancestors.empty() ? std::vector<image::ImageSummary>() : image::list(context.paths);
  containers = manager::apply_filter(filter, std::move(containers), images);
  if (!all) std::erase_if(containers, [](const auto& container) { return !state::is_active(container.status); });
  if (last > 0 && containers.size() > static_cast<size_t>(last))
    containers.erase(containers.begin() + last, containers.end());
  return containers;
}

int print_containers(const manager::Context& context, const Flags& flags) {
  const std::string table = flags.size ? std::string(kTable) + "\t{{.Size}}" : kTable;
  const ListFormat format(flags.quiet ? "{{.ID}}" : flags.format, table);
  const View view{.context = context,
                  .full = flags.full,
                  .with_size = flags.size || format.mentions("Size"),
                  .with_labels = format.mentions("Label")};
  std::vector<Column> columns;
  std::vector<const Field*> shown;
  for (const Field& field : kFields) {
    columns.push_back(field.column);
    // A template of the user's gets all, so that a wrong name can be answered by the right ones.
    const bool is_default = flags.quiet || flags.format.empty();
    if (!is_default || format.mentions(field.column.field)) shown.push_back(&field);
  }
  std::vector<Row> rows;
  for (const ContainerSummary& container : select(context, flags)) rows.push_back(make_row(view, shown, container));
  if (const std::string text = format.render(columns, rows); !text.empty() || !rows.empty()) print_line(text);
  return 0;
}

}  // namespace

void define_ps(CLI::App& command, Action& action) {
  const auto flags = std::make_shared<Flags>();
  set_usage(command, "Usage: myct ps [OPTIONS]");
  command.add_flag("-a,--all", flags->all, "Show those that do not run, too");
  command.add_option("-f,--filter", flags->filters, "Show those that meet a condition, e.g. name=web (repeatable)")
      ->type_name("KEY=VALUE")
      ->expected(1)
      ->take_all()
      ->allow_extra_args(false);
  command.add_option("--format", flags->format, "table, json, 'table TEMPLATE', or a Go template for each line")
      ->type_name("FORMAT")
      ->take_last();
  command.add_option("-n,--last", flags->last, "Show the N that were created last, in any state")
      ->type_name("N")
      ->take_last();
  command.add_flag("-l,--latest", flags->latest, "Show the one that was created last, in any state");
  command.add_flag("--no-trunc", flags->full, "Print whole ids and commands");
  command.add_flag("-q,--quiet", flags->quiet, "Print ids only");
  command.add_flag("-s,--size", flags->size, "Show what they have written");
  action = [flags](const manager::Context& context) { return print_containers(context, *flags); };
}

}  // namespace myct::cli
