// What is written down about a container: the record that lasts, and the run record that dies with the boot.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "myct/base/file.hpp"
#include "myct/base/process.hpp"
#include "myct/base/units.hpp"
#include "myct/spec/healthcheck.hpp"
#include "myct/state/attachment.hpp"
#include "myct/state/paths.hpp"

namespace myct {
class Error;
}

namespace myct::state {

/// How a container's last run ended.
struct Outcome {
  int exit_code = 0;
  std::optional<SystemTime> finished_at;  ///< nullopt: nobody saw the end
  bool oom_killed = false;
  std::string error;  ///< why it could not be started, or why its end is not known; empty otherwise
};

enum class RestartPolicy : uint8_t { No, OnFailure, Always, UnlessStopped };
struct Restart {
  RestartPolicy policy = RestartPolicy::No;
  unsigned max_attempts = 0;  ///< with OnFailure; 0: no bound
};

enum class LogDriver : uint8_t { JsonFile, None, Journald, Passthrough };
constexpr unsigned kMostLogFiles = 100;
/// Where a supervised container's output goes. The bounds are json-file's: the log never takes more than
/// max_size * max_file bytes, unless a single record is longer than max_size. max_file is 1 to kMostLogFiles.
struct LogConfig {
  LogDriver driver = LogDriver::JsonFile;
  uint64_t max_size = 10'000'000;
  unsigned max_file = 3;
  std::vector<std::string> options;  ///< "max-size=10m": as the user gave them, to be shown
};

/// One of the user's mounts, as docker inspect shows it.
struct MountPoint {
  std::string type;  ///< "bind", "volume", "tmpfs"
  std::string name;  ///< a volume's
  std::string source;
  std::string destination;
  std::string propagation;
  bool writable = true;
};

/// A device that the user gave to the container, as docker inspect shows it.
struct MappedDevice {
  std::string host_path;  ///< a directory stands for all devices in it
  std::string container_path;
  std::string access;  ///< of "rwm"
};

/// What the user asked for and config.json does not tell any more; kept to be shown.
struct Settings {
  std::vector<std::string> entrypoint;
  std::vector<std::string> cmd;
  std::string user;
  std::string network;  ///< "none", "host", "container:ID", "ns:PATH"; else the first network that it was made for
  std::vector<NetworkAttachment> networks;  ///< of myct's; they may change
  /// Whether its network namespace is its own and on `networks`, which may be none at the moment.
  [[nodiscard]] bool uses_networks() const noexcept {
    return network != "none" && network != "host" && !network.starts_with("container:") && !network.starts_with("ns:");
  }
  std::vector<std::string> ports;  ///< as to_text(PublishedPort) has them
  std::vector<std::string> dns;
  std::vector<std::string> dns_search;
  std::vector<std::string> dns_options;
  std::vector<std::string> extra_hosts;  ///< "name:address", or "name:host-gateway"
  std::vector<std::string> exposed;      ///< "80/tcp": those of the image, of --expose and the published ones; sorted
  std::vector<std::string> cap_add;
  std::vector<std::string> cap_drop;
  std::vector<std::string> security_options;
  std::vector<MountPoint> mounts;
  std::vector<MappedDevice> devices;
  std::vector<std::string> device_rules;
  std::string cgroup_parent;  ///< "/a/b", or systemd's slice as "a.slice"; also where a control group is looked for
                              ///< whose myct was killed; empty: the default
  bool publish_all = false;   ///< what is exposed is published, each at a port of the host that is free
  bool privileged = false;
  bool init = false;
};

constexpr int kDefaultStopSeconds = 10;

/// Whether "key", or "key=value", is among the labels.
[[nodiscard]] bool has_label(const std::map<std::string, std::string>& labels, std::string_view wanted);

/// containers/<id>/container.json. The status is not in it: it is derived (status_of).
struct Record {
  std::string id;    ///< 64 hex digits
  std::string name;  ///< without a slash
  SystemTime created;
  std::string image;     ///< reference as the user gave it
  std::string image_id;  ///< "sha256:…"
  std::vector<std::string> command;
  std::map<std::string, std::string> labels;
  bool auto_remove = false;
  bool tty = false;
  bool interactive = false;
  std::vector<std::string> anonymous_volumes;  ///< removed with the container
  int stop_signal = 15;                        ///< SIGTERM unless the image or the user says otherwise
  int stop_seconds = kDefaultStopSeconds;      ///< until SIGKILL; -1: for ever
  Restart restart;
  LogConfig log;
  std::optional<oci::Healthcheck> healthcheck;  ///< the user's and the image's
  Settings settings;
  std::optional<SystemTime> started_at;  ///< of the last start; written before it
  std::optional<Outcome> outcome;        ///< of the last run; absent while it runs
  unsigned restart_count = 0;            ///< restarts by the policy since the last start
  bool stopped_by_user = false;          ///< stop or kill was asked for since the last start
};

/// containers/<id>/run.json under the runtime directory: the processes of a started container.
struct RunInfo {
  ProcessIdentity init;
  ProcessIdentity owner;                 ///< its myct: the supervisor, or the one that runs it in the foreground
  std::string cgroup;                    ///< absolute path, or empty
  bool supervised = false;               ///< the owner listens on the attach socket
  std::optional<SystemTime> restart_at;  ///< the last run is over and the owner waits to start the next
  std::optional<Outcome> outcome;        ///< of the run, where the record could not be written: a full disk
  bool stopped_by_user = false;          ///< as the record's, where that could not be written
};

enum class Status : uint8_t { Created, Running, Paused, Restarting, Exited };

/// "created", "running", "paused", "restarting", "exited": the words of docker inspect.
[[nodiscard]] std::string_view status_word(Status status) noexcept;
/// Whether Docker counts it as running: ps shows it without -a.
[[nodiscard]] bool is_active(Status status) noexcept;

/// The words of docker run's --restart and --log-driver; nullopt for any other word.
[[nodiscard]] std::string_view restart_word(RestartPolicy policy) noexcept;
[[nodiscard]] std::optional<RestartPolicy> restart_from_word(std::string_view word) noexcept;
[[nodiscard]] std::string_view driver_word(LogDriver driver) noexcept;
[[nodiscard]] std::optional<LogDriver> driver_from_word(std::string_view word) noexcept;

/// What the kernel says about a run record's processes.
struct KernelView {
  bool init_runs = false;
  bool owner_runs = false;  ///< looked at only when init does not run: it matters only then
  bool frozen = false;
};
[[nodiscard]] KernelView look_at(const RunInfo& run);
/// The same by the control group alone, where there is one: one small file tells whether anything runs in it and
/// whether it is frozen, at a third of the cost, which counts in a long list. An end may show a moment later.
[[nodiscard]] KernelView glance_at(const RunInfo& run);

/// The one place where a status is decided. Pure.
[[nodiscard]] Status status_of(const Record& record, const std::optional<RunInfo>& run, KernelView kernel) noexcept;

[[nodiscard]] std::string to_json(const Record& record);
[[nodiscard]] Record record_from_json(std::string_view text, std::string_view name);
[[nodiscard]] std::string to_json(const RunInfo& run);
[[nodiscard]] RunInfo run_info_from_json(std::string_view text, std::string_view name);

/// Writes container.json, also across a power loss unless the container is removed at its end anyway. Throws Error.
void save_record(const Paths& paths, const Record& record);
/// The same with a durability of the caller's choice.
void save_record(const Paths& paths, const Record& record, Durability durability);
/// Gives an error about a damaged document of the container the hint what to do about it.
void add_hint_if_damaged(Error& error, std::string_view id);

/// nullopt when there is no such container; throws Error when the record cannot be read.
[[nodiscard]] std::optional<Record> load_record(const Paths& paths, std::string_view id);
void save_run_info(const Paths& paths, std::string_view id, const RunInfo& run);
[[nodiscard]] std::optional<RunInfo> load_run_info(const Paths& paths, std::string_view id);

/// Held by the myct process that makes a container or waits for its end, as long as it lives: the kernel lets go of it
/// however that process ends. Makes the container's run directory. Throws Error.
[[nodiscard]] FileLock own_container(const Paths& paths, std::string_view id);
/// Whether such a process lives.
[[nodiscard]] bool has_owner(const Paths& paths, std::string_view id);

/// The container's lock: held by every command while it changes the container, for moments only; commands that only
/// read take none. It is an flock(2) on the container's directory, so that it needs no file and goes with the
/// container. Throws Error{NotFound} when the container is gone, or goes while it is waited for.
[[nodiscard]] FileLock lock_container(const Paths& paths, std::string_view id);
/// The same for at most so long; nullopt when somebody else has it all the time.
[[nodiscard]] std::optional<FileLock> lock_container_within(const Paths& paths, std::string_view id,
                                                            std::chrono::milliseconds patience);
/// Who has a container's lock, as far as the kernel tells us (proc(5), /proc/locks); 0 where it does not.
[[nodiscard]] pid_t lock_holder(const Paths& paths, std::string_view id);
/// nullopt when somebody else has it, or the container is gone.
[[nodiscard]] std::optional<FileLock> try_lock_container(const Paths& paths, std::string_view id);

/// Tells the owner of a running container that it is about to be removed by force, as long as the mark is held: no
/// restart, nothing to be synced. nullopt when the container has no run directory (any more).
[[nodiscard]] std::optional<FileLock> mark_removing(const Paths& paths, std::string_view id);
[[nodiscard]] bool is_being_removed(const Paths& paths, std::string_view id);

/// Removes the run directory of a container that has neither an owner nor a directory of its own: its myct was killed
/// before it made that, or after it removed it. Throws Error.
void remove_orphaned_run_directory(const Paths& paths, std::string_view id, const std::function<void()>& before);

/// Whether a file of that name can be a container's: 64 hex digits.
[[nodiscard]] bool is_container_id(std::string_view name) noexcept;
/// Ids of every container directory, in no order. No directory yet: none.
[[nodiscard]] std::vector<std::string> list_container_ids(const Paths& paths);
/// The same of every run directory.
[[nodiscard]] std::vector<std::string> list_run_ids(const Paths& paths);

}  // namespace myct::state
