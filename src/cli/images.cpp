// myct images, myct tag and myct rmi.
#include <algorithm>
#include <map>
#include <memory>

#include "command.hpp"
#include "container_flags.hpp"
#include "flags.hpp"
#include "format.hpp"
#include "myct/base/error.hpp"
#include "myct/base/units.hpp"
#include "myct/image/inspect.hpp"
#include "myct/image/store.hpp"
#include "myct/manager/images.hpp"
#include "myct/manager/manager.hpp"
#include "output.hpp"
#include "time_text.hpp"

namespace myct::cli {
namespace {

constexpr const char* kTable = "{{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}";
constexpr const char* kDigestTable = "{{.Repository}}\t{{.Tag}}\t{{.Digest}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}";

struct Flags {
  std::string name;
  std::vector<std::string> filters;
  std::string format;
  bool all = false;
  bool quiet = false;
  bool full = false;
  bool digests = false;
  bool tree = false;
};

std::string or_none(const std::string& text) { return text.empty() ? "<none>" : text; }

manager::ImageFilter parse_filter(const Flags& flags) {
  manager::ImageFilter filter;
  if (!flags.name.empty()) filter.references.push_back(flags.name);
  for (const std::string& text : flags.filters) {
    const auto& [key, value] = parse_condition(text, {"before", "dangling", "label", "reference", "since", "until"});
    if (key == "dangling")
      filter.dangling = parse_bool(value, "--filter dangling");
    else if (key == "until")
      filter.until = parse_point_in_time(value, "--filter until", std::chrono::system_clock::now());
    else
      (key == "before"  ? filter.before
       : key == "since" ? filter.since
       : key == "label" ? filter.labels
                        : filter.references)
          .push_back(value);
  }
  return filter;
}

/// What has to be counted or measured is, only if somebody asks.
struct Measures {
  std::map<std::string, size_t> containers;
  image::StoreUsage usage;
};

Measures measure(const manager::Context& context, const ListFormat& format) {
  Measures measures;
  if (format.mentions("Containers"))
    for (const manager::ContainerSummary& container : manager::list_containers(context))
      ++measures.containers[container.record.image_id];
  if (format.mentions("SharedSize") || format.mentions("UniqueSize"))
    measures.usage = image::measure_store(context.paths);
  return measures;
}

Row make_row(const image::ImageSummary& image, const Measures& measures, bool full_ids) {
  const auto containers = measures.containers.find(image.id);
  const auto parts = measures.usage.images.find(image.id);
  const bool measured = parts != measures.usage.images.end();
  return {.fields = {{"Containers", measures.containers.empty()               ? "N/A"
                                    : containers == measures.containers.end() ? "0"
                                                                              : std::to_string(containers->second)},
                     {"CreatedAt", local_time(image.created)},
                     {"CreatedSince", duration_since(image.created) + " ago"},
                     {"Digest", or_none(image.digest)},
                     {"ID", full_ids ? image.id : short_id(image.id)},
                     {"Repository", or_none(image.repository)},
                     {"SharedSize", measured ? human_size(parts->second.shared) : "N/A"},
                     {"Size", human_size(image.size)},
                     {"Tag", or_none(image.tag)},
                     {"UniqueSize", measured ? human_size(parts->second.unique) : "N/A"},
                     {"VirtualSize", human_size(image.size)}},
          .labels = image.labels};
}

const std::vector<Column>& columns() {
  static const std::vector<Column> all = {{"Containers", "CONTAINERS"},
                                          {"CreatedAt", "CREATED AT"},
                                          {"CreatedSince", "CREATED"},
                                          {"Digest", "DIGEST"},
                                          {"ID", "IMAGE ID"},
                                          {"Repository", "REPOSITORY"},
                                          {"SharedSize", "SHARED SIZE"},
                                          {"Size", "SIZE"},
                                          {"Tag", "TAG"},
                                          {"UniqueSize", "UNIQUE SIZE"},
                                          {"VirtualSize", "VIRTUAL SIZE"}};
  return all;
}

int print_ids(const std::vector<image::ImageSummary>& images, bool full_ids) {
  for (const image::ImageSummary& image : images) print_line(full_ids ? image.id : short_id(image.id));
  return 0;
}

/// Each image once, with its names above its layers.
int print_tree(const manager::Context& context, const std::vector<image::ImageSummary>& images, bool full_ids) {
  std::vector<std::vector<std::string>> rows = {{"IMAGE", "ID", "SIZE"}};
  std::vector<std::string> seen;
  for (const image::ImageSummary& summary : images) {
    if (std::ranges::find(seen, summary.id) != seen.end()) continue;
    seen.push_back(summary.id);
    const std::optional<image::ImageDetails> details = image::try_inspect(context.paths, summary.id);
    if (!details) continue;
    const auto id = [&](const std::string& text) { return full_ids ? text : short_id(text); };
    std::vector<std::string> names = details->references;
    if (names.empty()) names.emplace_back("<none>");
    for (const std::string& name : names) rows.push_back({name, id(details->id), human_size(details->size)});
    for (const image::ImageLayer& layer : details->layers)
      rows.push_back(
          {&layer == &details->layers.back() ? "└─ layer" : "├─ layer", id(layer.diff_id), human_size(layer.size)});
  }
  print_line(format_table(rows));
  return 0;
}

int print_images(const manager::Context& context, const Flags& flags) {
  const ListFormat format(flags.format, flags.digests ? kDigestTable : kTable);
  const std::vector<image::ImageSummary> images =
      manager::apply_filter(parse_filter(flags), image::list(context.paths));
  if (flags.quiet) return print_ids(images, flags.full);
  if (flags.tree) return print_tree(context, images, flags.full);
  const Measures measures = measure(context, format);
  std::vector<Row> rows;
  for (const image::ImageSummary& image : images) rows.push_back(make_row(image, measures, flags.full));
  if (const std::string text = format.render(columns(), rows); !text.empty() || !rows.empty()) print_line(text);
  return 0;
}

void remove_and_tell(const manager::Context& context, const std::string& name, image::Force force) {
  const image::RemoveResult result = manager::remove_image(context, name, force);
  for (const std::string& reference : result.untagged) print_line("Untagged: " + reference);
  if (!result.deleted.empty()) print_line("Deleted: " + result.deleted);
}

}  // namespace

void define_images(CLI::App& command, Action& action) {
  const auto flags = std::make_shared<Flags>();
  set_usage(command, "Usage: myct images [OPTIONS] [IMAGE]");
  command.add_option("IMAGE", flags->name,
                     "Only those of this name, with any tag unless one is given; may have * and ?");
  command.add_flag("-a,--all", flags->all, "As without it: there are no images that are hidden");
  command.add_flag("-q,--quiet", flags->quiet, "Print ids only");
  command.add_flag("--no-trunc", flags->full, "Print whole ids");
  command.add_flag("--digests", flags->digests, "Show digests, too");
  add_list(command, "-f,--filter", flags->filters,
           "Show those that meet a condition: reference=PATTERN, label=KEY[=VALUE], dangling=true|false, before=IMAGE, "
           "since=IMAGE, until=TIME (repeatable)",
           "KEY=VALUE");
  command.add_option("--format", flags->format, "table, json, 'table TEMPLATE', or a Go template for each line")
      ->type_name("FORMAT")
      ->take_last();
  command.add_flag("--tree", flags->tree, "Show the layers of each image");
  action = [flags](const manager::Context& context) { return print_images(context, *flags); };
}

void define_tag(CLI::App& command, Action& action) {
  struct Flags {
    std::string source;
    std::string target;
  };
  const auto flags = std::make_shared<Flags>();
  set_usage(command, "Usage: myct tag IMAGE NAME[:TAG]");
  command.add_option("IMAGE", flags->source, "A name, or id")->required();
  command.add_option("NAME", flags->target, "What it is to be called, too; a name that exists moves to it")->required();
  action = [flags](const manager::Context& context) {
    manager::tag_image(context, flags->source, flags->target);
    return 0;
  };
}

void define_rmi(CLI::App& command, Action& action) {
  struct Flags {
    std::vector<std::string> images;
    bool force = false;
  };
  const auto flags = std::make_shared<Flags>();
  set_usage(command, "Usage: myct rmi [OPTIONS] IMAGE [IMAGE...]");
  command.add_option("IMAGE", flags->images, "Names, or ids")->required();
  command.add_flag("-f,--force", flags->force, "Take the name away even if containers were made from the image");
  action = [flags](const manager::Context& context) {
    return for_each_target(flags->images, [&](const std::string& name) {
      remove_and_tell(context, name, flags->force ? image::Force::Yes : image::Force::No);
    });
  };
}

}  // namespace myct::cli
