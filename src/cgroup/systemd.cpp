#include "systemd.hpp"

#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <thread>

#include "controllers.hpp"
#include "hierarchy.hpp"
#include "myct/base/error.hpp"
#include "myct/base/library.hpp"
#include "myct/base/log.hpp"
#include "myct/cgroup/cgroup.hpp"

namespace myct::cgroup {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kPatience{25};  // D-Bus's own
constexpr const char* kDestination = "org.freedesktop.systemd1";
constexpr const char* kObject = "/org/freedesktop/systemd1";
constexpr const char* kManager = "org.freedesktop.systemd1.Manager";
/// Where systemd itself listens: there is a bus only where a daemon for it is installed and up.
constexpr const char* kPrivateAddress = "unix:path=/run/systemd/private";
constexpr const char* kSuffix = ".scope";

struct BusError {  // sd_bus_error of sd-bus(3)
  const char* name;
  const char* message;
  int needs_free;
};

/// systemd by its own library. Every host that runs systemd has it, and nobody else needs it.
class Systemd {
 public:
  Systemd()
      : library_("libsystemd.so.0", "which systemd is asked for control groups by",
                 "use --cgroup-manager cgroupfs where systemd does not run") {
    int result = library_.find<int(void**)>("sd_bus_open_system")(&bus_);
    if (result < 0) result = open_private();
    if (result < 0)
      throw Error(ErrorKind::Unsupported, "connect to systemd", -result,
                  "use --cgroup-manager cgroupfs where systemd does not run");
  }
  Systemd(const Systemd&) = delete;
  Systemd& operator=(const Systemd&) = delete;
  ~Systemd() { library_.find<void*(void*)>("sd_bus_flush_close_unref")(bus_); }

  enum class Made : uint8_t { Yes, ThereIsOne };
  [[nodiscard]] Made make(const Scope& scope) {
    Message request(*this);
    check(library_.find<int(void*, void**, const char*, const char*, const char*, const char*)>(
              "sd_bus_message_new_method_call")(bus_, &request.message, kDestination, kObject, kManager,
                                                "StartTransientUnit"),
          scope);
    // A unit that has failed is forgotten, too: its name is the container's for the next start.
    check(library_.find<int(void*, const char*, ...)>("sd_bus_message_append")(
              request.message, "ssa(sv)a(sa(sv))", scope.unit.c_str(), "fail", 5, "Description", "s",
              ("myct container " + scope.unit).c_str(), "Slice", "s", scope.slice.c_str(), "Delegate", "b", 1,
              "CollectMode", "s", "inactive-or-failed", "PIDs", "au", 1, static_cast<uint32_t>(::getpid()), 0),
          scope);
    Message reply(*this);
    BusError error{};
    const int result = library_.find<int(void*, void*, uint64_t, BusError*, void**)>("sd_bus_call")(
        bus_, request.message, microseconds(kPatience), &error, &reply.message);
    const std::string name = error.name == nullptr ? "" : error.name;
    const std::string text = error.message == nullptr ? "" : error.message;
    library_.find<void(BusError*)>("sd_bus_error_free")(&error);
    if (name == "org.freedesktop.systemd1.UnitExists") return Made::ThereIsOne;
    if (result < 0 && !text.empty()) throw_error(ErrorKind::System, "{}: {}", what(scope), text);
    check(result, scope);
    const char* job = nullptr;
    check(library_.find<int(void*, const char*, ...)>("sd_bus_message_read")(reply.message, "o", &job), scope);
    wait_for(job, scope);
    return Made::Yes;
  }

 private:
  struct Message {
    explicit Message(Systemd& of) : owner(of) {}
    Message(const Message&) = delete;
    Message& operator=(const Message&) = delete;
    ~Message() {
      if (message != nullptr) owner.library_.find<void*(void*)>("sd_bus_message_unref")(message);
    }
    Systemd& owner;
    void* message = nullptr;
  };

  static uint64_t microseconds(Clock::duration duration) {
    return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(duration).count());
  }
  static std::string what(const Scope& scope) {
    return fmt::format("have systemd make '{}' in '{}'", scope.unit, scope.slice);
  }
  static void check(int result, const Scope& scope) {
    if (result < 0) throw Error(kind_of_errno(-result), what(scope), -result, {});
  }

  int open_private() {
    int result = library_.find<int(void**)>("sd_bus_new")(&bus_);
    if (result >= 0) result = library_.find<int(void*, const char*)>("sd_bus_set_address")(bus_, kPrivateAddress);
    if (result >= 0) result = library_.find<int(void*)>("sd_bus_start")(bus_);
    return result;
  }

  /// systemd tells whoever has asked for a job of its end, subscribed or not.
  void wait_for(const std::string& job, const Scope& scope) {
    const auto process = library_.find<int(void*, void**)>("sd_bus_process");
    const auto wait = library_.find<int(void*, uint64_t)>("sd_bus_wait");
    for (const Clock::time_point deadline = Clock::now() + kPatience; Clock::now() < deadline;) {
      Message message(*this);
      const int result = process(bus_, &message.message);
      check(result, scope);
      if (message.message != nullptr && is_end_of(job, message.message, scope)) return;
      if (result == 0) check(wait(bus_, microseconds(deadline - Clock::now())), scope);
    }
    throw Error(ErrorKind::System, what(scope), ETIMEDOUT, {});
  }

  bool is_end_of(const std::string& job, void* message, const Scope& scope) {
    if (library_.find<int(void*, const char*, const char*)>("sd_bus_message_is_signal")(message, kManager,
                                                                                        "JobRemoved") <= 0)
      return false;
    uint32_t number = 0;
    const char* path = "";
    const char* unit = "";
    const char* outcome = "";
    check(library_.find<int(void*, const char*, ...)>("sd_bus_message_read")(message, "uoss", &number, &path, &unit,
                                                                             &outcome),
          scope);
    if (path != job) return false;
    if (outcome != std::string_view("done"))
      throw Error(ErrorKind::System, fmt::format("{}: its job has ended as '{}'", what(scope), outcome), 0,
                  fmt::format("see 'journalctl -u {}'", scope.unit));
    return true;
  }

  Library library_;
  void* bus_ = nullptr;
};

bool are_in(const Scope& scope) {
  const std::string own = group_of_process("self").value_or("");
  return (own + "/").find("/" + scope.unit + "/") != std::string::npos;
}

}  // namespace

std::optional<Scope> scope_from_cgroups_path(const std::string& cgroups_path) {
  const size_t first = cgroups_path.find(':');
  const size_t second = first == std::string::npos ? first : cgroups_path.find(':', first + 1);
  if (second == std::string::npos || cgroups_path.find('/') != std::string::npos) return std::nullopt;
  const std::string prefix = cgroups_path.substr(first + 1, second - first - 1);
  const std::string name = cgroups_path.substr(second + 1);
  return Scope{.slice = first == 0 ? "system.slice" : cgroups_path.substr(0, first),
               .unit = (prefix.empty() ? "" : prefix + "-") + name + kSuffix};
}

std::string path_of(const Scope& scope) {
  constexpr std::string_view kSlice = ".slice";
  std::string path;
  // systemd.slice(5): a dash in the name is a step down. "-.slice" is the root.
  for (size_t dash = scope.slice.find('-', 1); dash != std::string::npos; dash = scope.slice.find('-', dash + 1))
    path.append("/").append(scope.slice, 0, dash).append(kSlice);
  if (scope.slice != "-.slice") path.append("/").append(scope.slice);
  return path + "/" + scope.unit;
}

void enter_scope_of(const std::string& cgroups_path) {
  const std::optional<Scope> found = scope_from_cgroups_path(cgroups_path);
  if (!found || are_in(*found)) return;
  const Scope& scope = *found;
  Systemd systemd;
  // The last run's scope is there until systemd has seen that nobody is left in it.
  const Clock::time_point deadline = Clock::now() + kPatience;
  while (systemd.make(scope) == Systemd::Made::ThereIsOne) {
    if (Clock::now() > deadline)
      throw Error(ErrorKind::Conflict, fmt::format("systemd has a '{}' already, which does not end", scope.unit), 0,
                  fmt::format("see 'systemctl status {}'", scope.unit));
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  if (!are_in(scope))
    throw_error(ErrorKind::System, "systemd has made '{}', and did not move this process into it", scope.unit);
  move_to_leaf(find_hierarchy().value_or("") + *group_of_process("self"));
  log::info("systemd has made '{}' in '{}'", scope.unit, scope.slice);
}

}  // namespace myct::cgroup
