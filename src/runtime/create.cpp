// Making a container from a bundle, and executing its program.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstdlib>

#include "create.hpp"
#include "myct/base/error.hpp"
#include "myct/base/log.hpp"
#include "myct/base/undo.hpp"
#include "myct/base/units.hpp"
#include "myct/cgroup/cgroup.hpp"
#include "myct/security/defaults.hpp"
#include "myct/spec/runtime_state.hpp"
#include "record.hpp"
#include "resources.hpp"

namespace myct::runtime {
namespace {

std::string absolute(const std::string& path) {
  char resolved[PATH_MAX];
  if (::realpath(path.c_str(), resolved) == nullptr) throw_errno("find '{}'", path);
  return resolved;
}

/// "1.2.0", "1.0.2-dev": the same major version, as the specification promises that what is valid stays valid.
void check_version(const std::string& version) {
  if (version.starts_with("1.") && std::ranges::count(version.substr(0, version.find_first_of("-+")), '.') == 2) return;
  throw Error(ErrorKind::Invalid, fmt::format("ociVersion '{}' is not supported", version), 0,
              fmt::format("this runtime follows {}", oci::kVersion));
}

/// Which group a configuration means that says nothing, or says it in systemd's form.
std::string cgroups_path(const Context& context, const std::string& wanted, const std::string& id) {
  const bool is_slice = std::ranges::count(wanted, ':') == 2;
  if (context.cgroup_manager == CgroupManager::Systemd) {
    if (wanted.empty()) return "system.slice:myct:" + id;
    if (!is_slice)
      throw Error(ErrorKind::Invalid, fmt::format("linux.cgroupsPath '{}' is none of systemd's", wanted), 0,
                  "its form is slice:prefix:name");
    return wanted.starts_with(':') ? "system.slice" + wanted : wanted;
  }
  if (wanted.empty()) return "myct/" + id;
  return is_slice && !wanted.starts_with('/') ? "/" + wanted : wanted;
}

/// As other runtimes: closed but for the harmless ones, and for what the configuration opens.
std::vector<oci::DeviceRule> device_rules(const std::vector<oci::DeviceRule>& wanted) {
  std::vector<oci::DeviceRule> rules = {oci::DeviceRule{}};
  rules.insert(rules.end(), wanted.begin(), wanted.end());
  std::ranges::move(security::default_device_rules(), std::back_inserter(rules));
  return rules;
}

oci::Spec read_spec(const Context& context, const CreateRequest& request, const std::string& path,
                    const std::string& text) {
  oci::Spec spec = oci::spec_from_json(text, path);
  check_version(spec.oci_version);
  if (spec.process.terminal && request.console_socket.empty() && !request.own_console)
    throw Error(ErrorKind::Invalid, "process.terminal is set and there is nobody to give the terminal to", 0,
                "use --console-socket");
  if (!spec.process.terminal && !request.console_socket.empty())
    throw Error(ErrorKind::Invalid, "there is a --console-socket and no terminal to give to it", 0,
                "set process.terminal");
  spec.linux_.cgroups_path = cgroups_path(context, spec.linux_.cgroups_path, request.id);
  drop_zeros(spec.linux_.resources);
  drop_defaults(spec.linux_.resources);
  spec.linux_.resources.devices = device_rules(spec.linux_.resources.devices);
  return spec;
}

/// Claims the id, with a directory that this process alone has locked.
FileLock claim(const Context& context, const std::string& id) {
  check_id(id);
  make_directories(context.root);
  if (::mkdir(directory_of(context, id).c_str(), 0711) == -1) {
    if (errno == EEXIST) throw_error(ErrorKind::Conflict, "container '{}' exists already", id);
    throw_errno("make directory '{}'", directory_of(context, id));
  }
  return lock(context, id);
}

Fd make_fifo(const std::string& path) {
  if (::mkfifo(path.c_str(), 0600) == -1) throw_errno("make '{}'", path);
  return open_path(path, O_RDWR);
}

/// Of a container whose creation has failed.
void undo_creation(const Context& context, Created& created) {
  const Record& record = created.record;
  { const ChildProcess killed = std::move(created.running.init); }
  if (!record.cgroup.empty()) cgroup::remove_cgroup(record.cgroup);
  if (record.init.pid != 0) run_late_hooks("poststop", created.hooks.poststop, record, Status::Stopped);
  remove_tree(directory_of(context, record.id));
}

}  // namespace

void run_late_hooks(std::string_view kind, const std::vector<oci::Hook>& hooks, const Record& record, Status status) {
  for (const oci::Hook& hook : hooks) try {
      engine::run_hooks({hook}, state_for_hooks(record, status));
    } catch (const Error& error) {
      log::warning("{}: {}", kind, error.what());
    }
}

Created make(const Context& context, const CreateRequest& request) {
  Created created{.lock = claim(context, request.id)};
  Record& record = created.record;
  record.id = request.id;
  UndoStack undo;
  undo.push("remove the container", [&] { undo_creation(context, created); });
  record.bundle = absolute(request.bundle);
  record.owner = ::geteuid();
  record.created = format_time(std::chrono::system_clock::now());
  const std::string config = request.config.empty() ? record.bundle + "/config.json" : request.config;
  const std::string text = read_file(config);
  const oci::Spec spec = read_spec(context, request, config, text);
  created.hooks = spec.hooks;
  record.annotations = spec.annotations;
  record.rootfs = spec.root.path.starts_with('/') ? spec.root.path : record.bundle + "/" + spec.root.path;
  const Fd directory = open_path(directory_of(context, record.id), O_RDONLY | O_DIRECTORY);
  write_file_at(directory.ref(), "config.json", text, 0600);
  const Fd gate = make_fifo(file_of(context, record.id, kUnfinishedGate));
  const Fd report = make_fifo(file_of(context, record.id, kReport));
  engine::Pending pending =
      engine::spawn(spec, {.bundle = record.bundle,
                           .seccomp_cache = seccomp_cache(context),
                           .lifetime = engine::Lifetime::LeftToReaper,
                           .gate = engine::Gate{.permission = gate.ref(), .report = report.ref()},
                           .preserved_descriptors = request.preserved_descriptors,
                           .pivot = request.pivot,
                           .keyring = request.new_keyring ? "_ses." + record.id : std::string(),
                           .lasting_state = oci::lasting_state(record.id, record.bundle, record.annotations)});
  record.cgroup = pending.cgroup();
  record.init = identify(pending.pid()).value_or(ProcessIdentity{});
  save(context, record);
  pending.proceed();
  created.running = pending.wait_until_created();
  if (const std::optional<ProcessIdentity> init = identify(created.running.init.pid()); init && *init != record.init) {
    record.init = *init;
    save(context, record);
  }
  if (::rename(file_of(context, record.id, kUnfinishedGate).c_str(), file_of(context, record.id, kGate).c_str()) == -1)
    throw_errno("rename the gate of container '{}'", record.id);
  if (!request.console_socket.empty()) send_console(request.console_socket, created.running.console.ref());
  write_pid_file(request.pid_file, record.init.pid);
  undo.commit();
  return created;
}

void create(const Context& context, const CreateRequest& request) {
  Created created = make(context, request);
  created.running.init.release();
}

void start_created(const Context& context, const Record& record, const oci::Hooks& hooks) {
  const std::string gate_path = file_of(context, record.id, kGate);
  const std::string report_path = file_of(context, record.id, kReport);
  // Without waiting for the other side, which may have died.
  const Fd report = open_path(report_path, O_RDONLY | O_NONBLOCK);
  if (::fcntl(report.get(), F_SETFL, O_RDONLY) == -1) throw_errno("read from '{}'", report_path);
  const Fd gate = open_path(gate_path, O_WRONLY | O_NONBLOCK);
  engine::open_gate({.permission = gate.ref(), .report = report.ref()});
  remove_file(gate_path);
  remove_file(report_path);
  run_late_hooks("poststart", hooks.poststart, record, Status::Running);
}

void start(const Context& context, const std::string& id) {
  const FileLock held = lock(context, id);
  const Record record = load(context, id);
  if (const Status status = status_of(context, record); status != Status::Created)
    throw_error(ErrorKind::Conflict, "cannot start container '{}': it is {}", id, status_word(status));
  start_created(context, record, load_spec(context, id).hooks);
}

}  // namespace myct::runtime
