// The kernel leaves a group what it has reserved only as far as every group above has reserved as much (cgroup-v2.rst,
// "memory.low"). So those that myct has made have the sum of what is reserved in them. Not simply "max": where the
// hierarchy is mounted with memory_recursiveprot, what nobody in a group has reserved is spread over all in it, and
// then no container would be left more than another.
#include "reservation.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <limits>

#include "hierarchy.hpp"
#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/base/log.hpp"
#include "myct/base/units.hpp"
#include "myct/cgroup/cgroup.hpp"

namespace myct::cgroup {
namespace {

constexpr const char* kFile = "/memory.low";
constexpr uint64_t kAll = std::numeric_limits<uint64_t>::max();

/// 0 where the group has no memory controller, or is being removed (ENODEV).
uint64_t reserved_by(const std::string& path) {
  std::string text;
  try {
    text = try_read_file(path + kFile).value_or("");
  } catch (const Error& error) {
    log::debug("{}", error.what());
  }
  return text.starts_with("max") ? kAll : parse_unsigned(text.substr(0, text.find('\n'))).value_or(0);
}

uint64_t reserved_in(const std::string& path) {
  uint64_t sum = 0;
  for (const std::string& group : groups_in(path)) {
    const uint64_t more = reserved_by(group);
    sum += std::min(more, kAll - sum);
  }
  return sum;
}

/// Who comes after another sees what he has changed: the last one has it right.
void write_sum(const std::string& path) {
  std::optional<Fd> directory = try_open_path(path, O_RDONLY | O_DIRECTORY);
  const std::optional<Fd> file = try_open_path(path + kFile, O_WRONLY);
  if (!directory || !file) return;
  const FileLock lock = FileLock::acquire(std::move(*directory), path);
  const uint64_t sum = reserved_in(path);
  const std::string text = sum == kAll ? "max" : std::to_string(sum);
  if (::write(file->get(), text.data(), text.size()) == -1 && errno != ENODEV) throw_errno("write '{}{}'", path, kFile);
}

/// The first group above that is not ours.
std::string hand_down(const std::string& path) {
  std::string parent = parent_of(path);
  for (; is_ours(parent); parent = parent_of(parent)) write_sum(parent);
  return parent;
}

void warn_of_less(const std::string& first, uint64_t wanted) {
  const std::string hierarchy = find_hierarchy().value_or("");
  for (std::string group = first; group.size() > hierarchy.size(); group = parent_of(group)) {
    const uint64_t there = reserved_by(group);
    if (there >= wanted) continue;
    log::warning(
        "memory is reserved only against what else is in cgroup '{}', which has {} bytes of the host's reserved for "
        "all "
        "in it: raise its memory.low (for a unit of systemd, MemoryLow=)",
        group, there);
    return;
  }
}

}  // namespace

void hand_down_reservation(const std::string& path, const std::vector<Setting>& settings) {
  if (std::ranges::none_of(settings, [](const Setting& setting) { return setting.file == kFile + 1; })) return;
  const std::string first = hand_down(path);
  warn_of_less(first, reserved_by(path));
}

void give_back_reservation(const std::string& path) {
  const std::string parent = parent_of(path);
  if (reserved_by(parent) != 0) (void)hand_down(path);
}

}  // namespace myct::cgroup
