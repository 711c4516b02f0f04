#include "myct/state/events.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/base/json.hpp"
#include "myct/base/log.hpp"

namespace myct::state {
namespace {

/// Two files of this size are kept, on a file system that is memory: some ten thousand events.
constexpr off_t kLargestFile = 4 << 20;

/// Only one process may rename a full file, or the second would throw away what the first has just kept.
void rotate(const Paths& paths) {
  make_directories(paths.locks());
  const std::optional<FileLock> lock = FileLock::try_acquire(paths.locks() + "/events");
  struct stat status {};
  if (!lock || ::stat(paths.events().c_str(), &status) == -1 || status.st_size < kLargestFile) return;
  if (::rename(paths.events().c_str(), (paths.events() + ".1").c_str()) == -1) throw_errno("rotate the events");
}

Fd open_events(const Paths& paths) {
  constexpr int kFlags = O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW;
  if (std::optional<Fd> file = try_open_path(paths.events(), kFlags, 0600)) return std::move(*file);
  paths.make_roots();
  return open_path(paths.events(), kFlags, 0600);
}

/// What events of all kinds have.
json::Value make_event(std::string_view type, std::string_view id, std::string_view action, json::Value attributes,
                       SystemTime time) {
  const auto nanoseconds = std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
  return {{"status", action},
          {"id", id},
          {"Type", type},
          {"Action", action},
          {"Actor", {{"ID", id}, {"Attributes", std::move(attributes)}}},
          {"scope", "local"},
          {"time", nanoseconds / 1'000'000'000},
          {"timeNano", nanoseconds}};
}

std::string line_of(const json::Value& event) {
  return event.dump(-1, ' ', false, json::Value::error_handler_t::replace) + "\n";
}

/// Throws Error.
void append(const Paths& paths, std::string_view line) {
  const Fd file = open_events(paths);
  // One write on O_APPEND: lines of several writers do not mix.
  write_all(file.ref(), line, paths.events());
  struct stat status {};
  if (::fstat(file.get(), &status) == 0 && status.st_size >= kLargestFile) rotate(paths);
}

}  // namespace

std::string event_line(const Record& record, std::string_view action,
                       const std::map<std::string, std::string>& attributes, SystemTime time) {
  json::Value details = record.labels;
  details["name"] = record.name;
  details["image"] = record.image;
  for (const auto& [key, value] : attributes) details[key] = value;
  json::Value event = make_event("container", record.id, action, std::move(details), time);
  event["from"] = record.image;
  return line_of(event);
}

std::string image_event_line(std::string_view id, std::string_view action,
                             const std::map<std::string, std::string>& attributes, SystemTime time) {
  return line_of(make_event("image", id, action, attributes, time));
}

void append_event(const Paths& paths, const Record& record, std::string_view action,
                  const std::map<std::string, std::string>& attributes) noexcept {
  try {
    append(paths, event_line(record, action, attributes, std::chrono::system_clock::now()));
  } catch (const std::exception& error) {
    log::debug("event '{}' of container {}: {}", action, record.id, error.what());
  }
}

void append_event(const Paths& paths, std::string_view id, std::string_view action,
                  const std::map<std::string, std::string>& attributes) noexcept {
  try {
    if (const std::optional<Record> record = load_record(paths, id)) append_event(paths, *record, action, attributes);
  } catch (const std::exception& error) {
    log::debug("event '{}' of container {}: {}", action, id, error.what());
  }
}

void append_image_event(const Paths& paths, std::string_view id, std::string_view action,
                        const std::map<std::string, std::string>& attributes) noexcept {
  try {
    append(paths, image_event_line(id, action, attributes, std::chrono::system_clock::now()));
  } catch (const std::exception& error) {
    log::debug("event '{}' of image {}: {}", action, id, error.what());
  }
}

}  // namespace myct::state
