#include "record.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "myct/base/json.hpp"
#include "myct/base/socket.hpp"
#include "myct/cgroup/cgroup.hpp"
#include "myct/spec/runtime_state.hpp"

namespace myct::runtime {
namespace {

constexpr const char* kRecord = "state.json";
constexpr const char* kConfig = "config.json";

json::Value to_value(const Record& record) {
  json::Value value{{"id", record.id},
                    {"bundle", record.bundle},
                    {"rootfs", record.rootfs},
                    {"created", record.created},
                    {"owner", record.owner},
                    {"pid", record.init.pid},
                    {"startTime", record.init.start_time},
                    {"bootId", record.init.boot_id}};
  json::write_unless_empty(value, "cgroup", record.cgroup);
  json::write_unless_empty(value, "annotations", record.annotations);
  return value;
}

Record from_value(const json::Value& value) {
  Record record;
  json::read(value, "id", record.id);
  json::read(value, "bundle", record.bundle);
  json::read(value, "rootfs", record.rootfs);
  json::read(value, "created", record.created);
  json::read(value, "owner", record.owner);
  json::read(value, "pid", record.init.pid);
  json::read(value, "startTime", record.init.start_time);
  json::read(value, "bootId", record.init.boot_id);
  json::read(value, "cgroup", record.cgroup);
  json::read(value, "annotations", record.annotations);
  return record;
}

[[noreturn]] void throw_absent(const std::string& id) {
  throw_error(ErrorKind::NotFound, "container '{}' does not exist", id);
}

/// Whether the init waits there: it alone has it open for reading.
bool waits_at_gate(const Context& context, const Record& record) {
  const Fd gate(::open(file_of(context, record.id, kGate).c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
  return gate.valid();
}

bool is_frozen(const Record& record) {
  if (record.cgroup.empty()) return false;
  const std::optional<std::string> events = try_read_file(record.cgroup + "/cgroup.events");
  return events && events->find("frozen 1") != std::string::npos;
}

}  // namespace

std::string_view status_word(Status status) noexcept {
  constexpr std::array<std::string_view, 5> kWords = {"creating", "created", "running", "paused", "stopped"};
  return kWords[static_cast<size_t>(status)];
}

void check_id(const std::string& id) {
  const auto is_allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("_+-.").find(c) != std::string_view::npos;
  };
  if (!id.empty() && id != "." && id != ".." && id.size() <= 255 && std::ranges::all_of(id, is_allowed)) return;
  throw Error(ErrorKind::Invalid, fmt::format("invalid container id '{}'", id), 0,
              "letters, digits and _+-. are allowed, at most 255 of them");
}

std::string directory_of(const Context& context, const std::string& id) { return context.root + "/" + id; }

std::string file_of(const Context& context, const std::string& id, std::string_view name) {
  return fmt::format("{}/{}", directory_of(context, id), name);
}

FileLock lock(const Context& context, const std::string& id) {
  check_id(id);
  std::optional<Fd> directory = try_open_path(directory_of(context, id), O_RDONLY | O_DIRECTORY);
  if (!directory) throw_absent(id);
  return FileLock::acquire(std::move(*directory), directory_of(context, id));
}

void save(const Context& context, const Record& record) {
  const Fd directory = open_path(directory_of(context, record.id), O_RDONLY | O_DIRECTORY);
  save_atomically(directory.ref(), kRecord, to_value(record).dump(), Durability::SurvivesProcessDeath, 0600);
}

std::optional<Record> try_load(const Context& context, const std::string& id) {
  check_id(id);
  const std::string path = file_of(context, id, kRecord);
  const std::optional<std::string> text = try_read_file(path);
  if (!text) return std::nullopt;
  return from_value(json::parse(*text, path));
}

Record load(const Context& context, const std::string& id) {
  std::optional<Record> record = try_load(context, id);
  if (!record) throw_absent(id);
  return std::move(*record);
}

oci::Spec load_spec(const Context& context, const std::string& id) {
  const std::string path = file_of(context, id, kConfig);
  return oci::spec_from_json(read_file(path), path);
}

Status status_of(const Context& context, const Record& record) {
  if (record.init.pid == 0) return Status::Creating;
  if (!is_running(record.init)) return Status::Stopped;
  if (path_exists(file_of(context, record.id, kUnfinishedGate))) return Status::Creating;
  if (is_frozen(record)) return Status::Paused;
  return waits_at_gate(context, record) ? Status::Created : Status::Running;
}

State state_of(const Context& context, const Record& record) {
  const Status status = status_of(context, record);
  return {.id = record.id,
          .bundle = record.bundle,
          .rootfs = record.rootfs,
          .created = record.created,
          .owner = record.owner,
          .annotations = record.annotations,
          .status = status,
          .pid = status == Status::Stopped ? 0 : record.init.pid};
}

std::string state_for_hooks(const Record& record, Status status) {
  return oci::complete_state(oci::lasting_state(record.id, record.bundle, record.annotations), status_word(status),
                             status == Status::Stopped ? 0 : record.init.pid);
}

void write_pid_file(const std::string& path, pid_t pid) {
  if (path.empty()) return;
  const size_t slash = path.find_last_of('/');
  const std::string directory = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  save_atomically(open_path(directory, O_RDONLY | O_DIRECTORY).ref(), path.substr(slash + 1), std::to_string(pid),
                  Durability::SurvivesProcessDeath);
}

void send_console(const std::string& socket, FdRef console) {
  // The name is what others send along; receivers want a byte at least.
  std::string name = "/dev/ptmx";
  iovec part{.iov_base = name.data(), .iov_len = name.size()};
  if (send_message(connect_stream(socket).ref(), {&part, 1}, console, 0) == -1)
    throw_errno("send the console to '{}'", socket);
}

}  // namespace myct::runtime
