#include "io_weight.hpp"

#include <algorithm>

#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/base/log.hpp"
#include "myct/cgroup/cgroup.hpp"

namespace myct::cgroup {
namespace {

bool has_bfq(const std::string& disk_directory) {
  return is_bfq_chosen(try_read_file(disk_directory + "/queue/scheduler").value_or(""));
}

}  // namespace

bool is_io_weight(const Setting& setting) noexcept { return setting.file == kBfqWeight || setting.file == kCostWeight; }

bool is_weight_taken_away(const Setting& setting) noexcept {
  return setting.value == "default 100" || setting.value.ends_with(" default");
}

std::string_view disk_of_weight(std::string_view value) noexcept {
  const std::string_view first = value.substr(0, value.find(' '));
  return first.find(':') == std::string_view::npos ? std::string_view() : first;
}

bool is_bfq_chosen(std::string_view scheduler) noexcept { return scheduler.find("[bfq]") != std::string_view::npos; }

bool is_cost_enabled(std::string_view qos, std::string_view disk) noexcept {
  while (!qos.empty()) {
    const std::string_view line = qos.substr(0, qos.find('\n'));
    const bool is_meant = disk.empty() || line.substr(0, line.find(' ')) == disk;
    if (is_meant && line.find(" enable=1") != std::string_view::npos) return true;
    qos.remove_prefix(std::min(qos.size(), line.size() + 1));
  }
  return false;
}

bool goes_by_bfq(std::string_view disk) {
  if (!disk.empty()) return has_bfq(fmt::format("/sys/dev/block/{}", disk));
  return std::ranges::any_of(list_directory("/sys/block", Hidden::LeaveOut),
                             [](const std::string& name) { return has_bfq("/sys/block/" + name); });
}

std::optional<bool> goes_by_cost(std::string_view disk) {
  const std::optional<std::string> qos = try_read_file(find_hierarchy().value_or("") + "/io.cost.qos");
  if (!qos) return std::nullopt;
  return is_cost_enabled(*qos, disk);
}

void check_weight_counts(const Setting& setting, std::string_view file) {
  const std::string_view disk = disk_of_weight(setting.value);
  const std::optional<bool> counts = file == kBfqWeight ? goes_by_bfq(disk) : goes_by_cost(disk);
  if (!counts) {
    log::warning(
        "whether any disk goes by the block I/O weight is not known: only the host's root control group tells");
    return;
  }
  if (*counts) return;
  throw Error(
      ErrorKind::Unsupported,
      fmt::format("cannot {}: the io controller does not go by weights on {}", setting.purpose,
                  disk.empty() ? "any disk" : name_of_disk(std::string(disk))),
      0,
      "write 'bfq' to the disk's queue/scheduler in /sys/block, or enable it in io.cost.qos of the root control "
      "group");
}

}  // namespace myct::cgroup
