#include "myct/manager/events.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/base/json.hpp"

namespace myct::manager {
namespace {

using json::Value;
using Sink = std::function<bool(std::string_view)>;

std::string text_of(const Value& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

bool has_label(const Value& attributes, const std::string& wanted) {
  const size_t equals = wanted.find('=');
  const std::string key = wanted.substr(0, equals);
  if (!attributes.contains(key)) return false;
  return equals == std::string::npos || text_of(attributes, key.c_str()) == wanted.substr(equals + 1);
}

/// Docker calls the removal "destroy"; podman and people say "rm" or "remove". "health_status" is all that begins so.
bool is_event(const std::string& action, const std::string& wanted) {
  if (wanted == "health_status" && action.starts_with("health_status: ")) return true;
  return action == wanted || (action == "destroy" && (wanted == "rm" || wanted == "remove"));
}

/// "alpine" of "alpine:3.20" and "alpine@sha256:...".
std::string_view without_tag(std::string_view name) {
  if (const size_t at = name.find('@'); at != std::string_view::npos) return name.substr(0, at);
  const size_t colon = name.rfind(':');
  const size_t slash = name.rfind('/');
  return colon != std::string_view::npos && (slash == std::string_view::npos || colon > slash) ? name.substr(0, colon)
                                                                                               : name;
}

/// Of a container, the image that it was made from; of an image, its id or name.
bool is_of_image(const Value& event, const Value& attributes, const std::string& wanted) {
  const auto is_it = [&](const std::string& name) { return name == wanted || without_tag(name) == wanted; };
  if (text_of(event, "Type") != "image") return is_it(text_of(event, "from"));
  constexpr std::string_view kAlgorithm = "sha256:";
  std::string id = text_of(event, "id");
  if (id.starts_with(kAlgorithm)) id.erase(0, kAlgorithm.size());
  const std::string digits = wanted.starts_with(kAlgorithm) ? wanted.substr(kAlgorithm.size()) : wanted;
  return (is_hex(digits) && id.starts_with(digits)) || is_it(text_of(event, "id")) ||
         is_it(text_of(attributes, "name"));
}

bool fits(const std::string& key, const std::string& wanted, const Value& event, const Value& attributes) {
  const std::string id = text_of(event, "id");
  if (key == "container")
    return text_of(event, "Type") == "container" &&
           (text_of(attributes, "name") == wanted || (is_hex(wanted) && id.starts_with(wanted)));
  if (key == "event") return is_event(text_of(event, "Action"), wanted);
  if (key == "image") return is_of_image(event, attributes, wanted);
  if (key == "label") return has_label(attributes, wanted);
  return text_of(event, "Type") == wanted;
}

bool passes(const EventsRequest& request, const Value& event) {
  static const Value kNone = Value::object();
  const auto actor = event.find("Actor");
  const Value& attributes = actor != event.end() && actor->contains("Attributes") ? (*actor)["Attributes"] : kNone;
  return std::all_of(request.filters.begin(), request.filters.end(), [&](const auto& filter) {
    const auto& [key, values] = filter;
    const auto one = [&key = key, &event, &attributes](const std::string& value) {
      return fits(key, value, event, attributes);
    };
    return key == "label" ? std::all_of(values.begin(), values.end(), one)
                          : std::any_of(values.begin(), values.end(), one);
  });
}

/// One of the files that events are in, read as it grows.
class EventFile {
 public:
  explicit EventFile(Fd file) : file_(std::move(file)) {}

  void skip_to_end() { ::lseek(file_.get(), 0, SEEK_END); }

  /// Hands over whole lines; false when the sink has had enough.
  bool read(const Sink& sink) {
    std::array<char, 65536> buffer;
    for (;;) {
      const ssize_t got = ::read(file_.get(), buffer.data(), buffer.size());
      if (got == -1 && errno == EINTR) continue;
      if (got == -1) throw_errno("read the events");
      if (got == 0) return true;
      rest_.append(buffer.data(), static_cast<size_t>(got));
      size_t begin = 0;
      for (size_t end = rest_.find('\n'); end != std::string::npos; end = rest_.find('\n', begin)) {
        if (!sink(std::string_view(rest_).substr(begin, end - begin))) return false;
        begin = end + 1;
      }
      rest_.erase(0, begin);
    }
  }

  /// Whether `path` names another file by now.
  [[nodiscard]] bool is_replaced(const std::string& path) const {
    struct stat named {};
    return ::stat(path.c_str(), &named) == 0 && !is(named);
  }
  [[nodiscard]] bool is_same(FdRef other) const {
    struct stat status {};
    return ::fstat(other.get(), &status) == 0 && is(status);
  }

 private:
  [[nodiscard]] bool is(const struct stat& other) const {
    struct stat ours {};
    return ::fstat(file_.get(), &ours) == 0 && ours.st_dev == other.st_dev && ours.st_ino == other.st_ino;
  }

  Fd file_;
  std::string rest_;
};

/// False when the time is up or nobody reads any more.
bool wait_for_change(FdRef inotify, const EventsRequest& request) {
  int milliseconds = -1;
  if (request.until) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(*request.until - std::chrono::system_clock::now()).count();
    if (left <= 0) return false;
    milliseconds = static_cast<int>(std::min<int64_t>(left, INT32_MAX));
  }
  std::array<pollfd, 2> events = {pollfd{.fd = inotify.get(), .events = POLLIN, .revents = 0},
                                  pollfd{.fd = request.reader ? request.reader->get() : -1, .events = 0, .revents = 0}};
  if (::poll(events.data(), events.size(), milliseconds) == -1 && errno != EINTR) throw_errno("wait for events");
  std::array<char, 4096> ignored;  // that something changed is all that counts
  while (::read(inotify.get(), ignored.data(), ignored.size()) > 0) {
  }
  return (events[1].revents & (POLLERR | POLLHUP)) == 0;
}

Fd open_events(const Context& context) {
  return open_path(context.paths.events(), O_RDONLY | O_CREAT | O_NOFOLLOW, 0600);
}

void follow(const Context& context, const EventsRequest& request, EventFile file, FdRef inotify, const Sink& sink) {
  for (;;) {
    if (!file.read(sink)) return;
    if (file.is_replaced(context.paths.events())) {
      if (!file.read(sink)) return;  // what was written before it was put aside
      file = EventFile(open_events(context));
      continue;
    }
    if (!wait_for_change(inotify, request)) return;
  }
}

}  // namespace

void watch_events(const Context& context, const EventsRequest& request,
                  const std::function<bool(std::string_view line)>& sink) {
  context.paths.make_roots();
  const Fd inotify(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  // Of the directory: also a new file is seen, and the one watch serves both.
  if (!inotify.valid() || ::inotify_add_watch(inotify.get(), context.paths.runtime_dir().c_str(),
                                              IN_MODIFY | IN_CREATE | IN_MOVED_FROM) == -1)
    throw_errno("watch '{}'", context.paths.runtime_dir());
  const auto filtered = [&](std::string_view line) {
    const Value event = Value::parse(line, nullptr, /*allow_exceptions=*/false);
    if (!event.is_object()) return true;  // cut short by a kill
    const SystemTime time{std::chrono::duration_cast<SystemTime::duration>(
        std::chrono::nanoseconds(event.value("timeNano", int64_t{0})))};
    if (request.since && time < *request.since) return true;
    if (request.until && time > *request.until) return false;
    return !passes(request, event) || sink(line);
  };
  EventFile file(open_events(context));
  if (!request.since) {
    file.skip_to_end();
  } else if (std::optional<Fd> older = try_open_path(context.paths.events() + ".1", O_RDONLY | O_NOFOLLOW)) {
    // It is what we have opened already if it was put aside in this moment.
    if (!file.is_same(older->ref()) && !EventFile(std::move(*older)).read(filtered)) return;
  }
  follow(context, request, std::move(file), inotify.ref(), filtered);
}

}  // namespace myct::manager
