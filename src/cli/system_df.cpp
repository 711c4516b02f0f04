// myct system df.
#include <algorithm>
#include <memory>

#include "command.hpp"
#include "format.hpp"
#include "myct/base/error.hpp"
#include "myct/base/units.hpp"
#include "myct/manager/images.hpp"
#include "output.hpp"
#include "time_text.hpp"

namespace myct::cli {
namespace {

constexpr const char* kTable = "{{.Type}}\t{{.TotalCount}}\t{{.Active}}\t{{.Size}}\t{{.Reclaimable}}";
constexpr size_t kCommandWidth = 20;

/// One line of the summary.
struct Total {
  const char* type;
  size_t count = 0;
  size_t active = 0;
  uint64_t size = 0;
  uint64_t reclaimable = 0;
};

std::string reclaimable_text(const Total& total) {
  std::string text = human_size(total.reclaimable);
  if (total.size != 0) text += fmt::format(" ({}%)", total.reclaimable * 100 / total.size);
  return text;
}

std::vector<Total> totals_of(const manager::DiskUsage& usage) {
  Total images{.type = "Images", .count = usage.images.size(), .size = usage.image_bytes};
  for (const manager::ImageUsage& image : usage.images) {
    if (image.containers > 0) ++images.active;
    if (image.containers == 0) images.reclaimable += image.unique;
  }
  // What only unused images share goes with the last of them.
  if (images.active == 0) images.reclaimable = images.size;
  Total containers{.type = "Containers", .count = usage.containers.size()};
  for (const manager::ContainerUsage& container : usage.containers) {
    containers.size += container.written;
    if (state::is_active(container.status))
      ++containers.active;
    else
      containers.reclaimable += container.written;
  }
  Total volumes{.type = "Local Volumes", .count = usage.volumes.size()};
  for (const manager::VolumeUsage& volume : usage.volumes) {
    volumes.size += volume.size;
    if (volume.containers > 0)
      ++volumes.active;
    else
      volumes.reclaimable += volume.size;
  }
  return {images, containers, volumes};
}

void print_summary(const manager::DiskUsage& usage, const ListFormat& format) {
  std::vector<Row> rows;
  for (const Total& total : totals_of(usage))
    rows.push_back({.fields = {{"Active", std::to_string(total.active)},
                               {"Reclaimable", reclaimable_text(total)},
                               {"Size", human_size(total.size)},
                               {"TotalCount", std::to_string(total.count)},
                               {"Type", total.type}},
                    .labels = {}});
  const std::vector<Column> columns = {{"Active", "ACTIVE"},
                                       {"Reclaimable", "RECLAIMABLE"},
                                       {"Size", "SIZE"},
                                       {"TotalCount", "TOTAL"},
                                       {"Type", "TYPE"}};
  print_line(format.render(columns, rows));
}

using Table = std::vector<std::vector<std::string>>;

void print_images(const manager::DiskUsage& usage) {
  Table rows = {{"REPOSITORY", "TAG", "IMAGE ID", "CREATED", "SIZE", "SHARED SIZE", "UNIQUE SIZE", "CONTAINERS"}};
  const auto or_none = [](const std::string& text) { return text.empty() ? std::string("<none>") : text; };
  for (const manager::ImageUsage& image : usage.images)
    rows.push_back({or_none(image.image.repository), or_none(image.image.tag), short_id(image.image.id),
                    duration_since(image.image.created) + " ago", human_size(image.shared + image.unique),
                    human_size(image.shared), human_size(image.unique), std::to_string(image.containers)});
  print_line("Images space usage:\n\n" + format_table(rows) + "\n");
}

void print_containers(const manager::DiskUsage& usage) {
  Table rows = {{"CONTAINER ID", "IMAGE", "COMMAND", "LOCAL VOLUMES", "SIZE", "CREATED", "STATUS", "NAMES"}};
  for (const manager::ContainerUsage& container : usage.containers) {
    const state::Record& record = container.record;
    const auto volumes = std::ranges::count_if(record.settings.mounts,
                                               [](const state::MountPoint& mount) { return mount.type == "volume"; });
    rows.push_back({short_id(record.id), record.image, quoted_command(record.command, kCommandWidth),
                    std::to_string(volumes), human_size(container.written), duration_since(record.created) + " ago",
                    std::string(state::status_word(container.status)), record.name});
  }
  print_line("Containers space usage:\n\n" + format_table(rows) + "\n");
}

void print_volumes(const manager::DiskUsage& usage) {
  Table rows = {{"VOLUME NAME", "LINKS", "SIZE"}};
  for (const manager::VolumeUsage& volume : usage.volumes)
    rows.push_back({volume.name, std::to_string(volume.containers), human_size(volume.size)});
  print_line("Local Volumes space usage:\n\n" + format_table(rows));
}

}  // namespace

void define_system_df(CLI::App& command, Action& action) {
  struct Flags {
    bool verbose = false;
    std::string format;
  };
  const auto flags = std::make_shared<Flags>();
  set_usage(command, "Usage: myct system df [OPTIONS]");
  command.add_flag("-v,--verbose", flags->verbose, "List every image, container and volume");
  command.add_option("--format", flags->format, "table, json, 'table TEMPLATE', or a Go template for each line")
      ->type_name("FORMAT")
      ->take_last();
  action = [flags](const manager::Context& context) {
    if (flags->verbose && !flags->format.empty())
      throw_error(ErrorKind::Usage, "--format is for the summary, which -v does not print");
    const ListFormat format(flags->format, kTable);
    const manager::DiskUsage usage = manager::measure_disk(context);
    if (!flags->verbose) {
      print_summary(usage, format);
      return 0;
    }
    print_images(usage);
    print_containers(usage);
    print_volumes(usage);
    return 0;
  };
}

}  // namespace myct::cli
