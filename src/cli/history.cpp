// myct history.
#include <algorithm>
#include <memory>

#include "command.hpp"
#include "format.hpp"
#include "myct/base/error.hpp"
#include "myct/base/units.hpp"
#include "myct/image/inspect.hpp"
#include "output.hpp"
#include "time_text.hpp"

namespace myct::cli {
namespace {

constexpr const char* kTable = "{{.ID}}\t{{.CreatedSince}}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}";
constexpr size_t kCreatedByWidth = 45;

struct Flags {
  std::string image;
  std::string format;
  bool quiet = false;
  bool full = false;
  bool human = true;
};

/// One step of an image's making, and what its layer holds.
struct Entry {
  oci::History step;
  uint64_t size = 0;
};

/// Oldest first. Layers that the history does not tell of stand at the end, as if they had come without a word.
std::vector<Entry> entries_of(const image::ImageDetails& image) {
  std::vector<Entry> entries;
  size_t next = 0;
  for (const oci::History& step : image.image.history) {
    Entry& entry = entries.emplace_back(Entry{.step = step});
    if (!step.empty_layer && next < image.layers.size()) entry.size = image.layers[next++].size;
  }
  for (; next < image.layers.size(); ++next)
    entries.push_back({.step = {.created = image.image.created, .created_by = {}, .author = {}, .comment = {}},
                       .size = image.layers[next].size});
  return entries;
}

/// In one cell of a table, whatever the command was laid out with.
std::string created_by(const oci::History& step, bool full) {
  std::string text = step.created_by;
  std::ranges::replace(text, '\t', ' ');
  return full ? text : ellipsis(text, kCreatedByWidth);
}

Row make_row(const Entry& entry, const std::string& id, const Flags& flags) {
  const SystemTime created = parse_time(entry.step.created).value_or(SystemTime{});
  std::string since = duration_since(created) + " ago";
  if (!flags.human) since = entry.step.created;
  return {.fields = {{"Comment", entry.step.comment},
                     {"CreatedAt", entry.step.created},
                     {"CreatedBy", created_by(entry.step, flags.full)},
                     {"CreatedSince", since},
                     {"ID", id},
                     {"Size", flags.human ? human_size(entry.size) : std::to_string(entry.size)}},
          .labels = {}};
}

int print_history(const manager::Context& context, const Flags& flags) {
  const ListFormat format(flags.quiet ? "{{.ID}}" : flags.format, kTable);
  const std::optional<image::ImageDetails> image = image::try_inspect(context.paths, flags.image);
  if (!image) throw_error(ErrorKind::NotFound, "no image '{}'", flags.image);
  const std::vector<Entry> entries = entries_of(*image);
  std::vector<Row> rows;
  for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry) {
    // Only the whole has an id; docker says so of the rest.
    const bool newest = entry == entries.rbegin();
    rows.push_back(make_row(*entry, !newest ? "<missing>" : flags.full ? image->id : short_id(image->id), flags));
  }
  const std::vector<Column> columns = {{"Comment", "COMMENT"},
                                       {"CreatedAt", "CREATED AT"},
                                       {"CreatedBy", "CREATED BY"},
                                       {"CreatedSince", "CREATED"},
                                       {"ID", "IMAGE"},
                                       {"Size", "SIZE"}};
  print_line(format.render(columns, rows));
  return 0;
}

}  // namespace

void define_history(CLI::App& command, Action& action) {
  const auto flags = std::make_shared<Flags>();
  set_usage(command, "Usage: myct history [OPTIONS] IMAGE");
  command.add_option("IMAGE", flags->image, "A name, or id")->required();
  command.add_flag("-H,--human", flags->human,
                   "Print sizes and times for people; --human=false prints bytes and dates");
  command.add_flag("--no-trunc", flags->full, "Print whole ids and commands");
  command.add_flag("-q,--quiet", flags->quiet, "Print ids only");
  command.add_option("--format", flags->format, "table, json, 'table TEMPLATE', or a Go template for each line")
      ->type_name("FORMAT")
      ->take_last();
  action = [flags](const manager::Context& context) { return print_history(context, *flags); };
}

}  // namespace myct::cli
