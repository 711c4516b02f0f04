// The manager's own building blocks, one per file beside this header.
#pragma once

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "myct/base/file.hpp"
#include "myct/base/undo.hpp"
#include "myct/engine/engine.hpp"
#include "myct/image/store.hpp"
#include "myct/manager/manager.hpp"
#include "myct/network/leftovers.hpp"
#include "myct/network/network.hpp"
#include "myct/spec/runtime_spec.hpp"
#include "myct/state/health.hpp"
#include "myct/supervisor/client.hpp"
#include "myct/supervisor/handover.hpp"

namespace myct::manager {

// --- create.cpp ----------------------------------------------------------------------------------------------------
/// Whether who starts a container stays to converse with it: then the end of the conversation is a hang-up.
enum class Starter : uint8_t { Leaves, Stays };

/// A container with its directories, which this process may start.
struct Container {
  state::Record record;
  oci::Spec spec;
  std::string directory;
  std::optional<FileLock> lock;   ///< the container's; let go of when it has been started
  std::optional<FileLock> owner;  ///< tells other commands that somebody takes care of it
  Starter starter = Starter::Leaves;
};
/// The image that the request names, pulled when its policy says so. Throws Error.
[[nodiscard]] image::Rootfs resolve_image(const Context& context, const RunRequest& request,
                                          const image::Progress& progress);
/// Makes all but the documents; what has to be taken back if a later step fails is pushed to `undo`.
[[nodiscard]] Container create_container(const Context& context, const RunRequest& request, const image::Rootfs& rootfs,
                                         UndoStack& undo);

/// A name that is held and not used is free: its container is dead and was to be removed at its end, or has another
/// name since a rename that was killed before it let go of this one. The caller has no container's lock.
void free_stale_name(const Context& context, const std::string& name);
/// Warns of limits that a start on this host would be refused for.
void warn_of_limits(const Container& container);
/// Writes config.json and the record; until then the container is one that is being made.
void save_documents(const Context& context, const Container& container);
/// Writes config.json alone, anew.
void save_spec(const Container& container);
/// Refuses a file that is there already, and writes the id to a new one. Throws Error.
void check_cidfile(const RunRequest& request);
void write_cidfile(const RunRequest& request, const std::string& id, UndoStack& undo);
/// Whether its documents are all there.
[[nodiscard]] bool is_complete(const Context& context, const std::string& id);
/// The container's config.json; throws Error.
[[nodiscard]] oci::Spec load_spec(const Context& context, const std::string& id);

// --- name_files.cpp ------------------------------------------------------------------------------------------------
/// Writes what is bound on /etc/hosts, /etc/hostname and /etc/resolv.conf.
void write_name_files(const Container& container);
/// Before another start: writes those that a loss of power has taken, and /etc/resolv.conf as the host's is by now,
/// unless somebody has changed it.
void renew_name_files(const Container& container);
/// Writes what only a start can know, in place: the container has the files mounted, or soon will.
void complete_name_files(const Context& context, const Container& container, const network::Presence& presence);
/// The same for one that runs, and has been on other networks before; what its program has added stays.
void follow_networks(const Context& context, const Container& container, const network::Presence& before,
                     const network::Presence& after);

// --- volumes.cpp ---------------------------------------------------------------------------------------------------
/// Refuses what can be refused before anything is made. Throws Error.
void check_mounts(const std::vector<MountRequest>& requests);
/// Gives every anonymous volume a name, and returns these: they are recorded before the volumes are made, so that a
/// kill in between leaves none that nobody knows.
[[nodiscard]] std::vector<std::string> name_anonymous_volumes(std::vector<MountRequest>& requests);
/// Makes bind sources and volumes that are missing and fills new volumes from the image.
[[nodiscard]] std::vector<oci::Mount> resolve_mounts(const Context& context, const std::vector<MountRequest>& requests,
                                                     const image::Rootfs& rootfs, UndoStack& undo);
/// What inspect shows of them.
[[nodiscard]] std::vector<state::MountPoint> describe_mounts(const Context& context,
                                                             const std::vector<MountRequest>& requests);
/// Removes a volume with its data; idempotent.
void remove_volume(const Context& context, const std::string& name);

// --- network.cpp ---------------------------------------------------------------------------------------------------
/// Where networks keep what is about this container; an empty id for what is about none.
[[nodiscard]] network::Directories network_directories(const Context& context, const std::string& id);
/// Claims what the container is to have of its network; nullopt when it has none of ours. Throws Error.
[[nodiscard]] std::optional<network::Lease> reserve_network(const Context& context, Container& container);
/// Makes it, for an init that waits. Throws Error.
void connect_network(const Context& context, const Container& container, const network::Lease& lease,
                     engine::Pending& init);
/// What Settings::network begins with where the network namespace is another container's, or one that a file stands
/// for.
constexpr const char* kContainerNetwork = "container:";
constexpr const char* kPathNetwork = "ns:";
[[nodiscard]] bool joins_container(const state::Record& record);
/// Where the files are that tell names to the container: its own directory, or that of the one whose network it has.
[[nodiscard]] std::string name_files_directory(const Context& context, const Container& container);
/// Has a container that runs found by its new name. Throws Error.
void rename_on_networks(const Context& context, const std::string& id, const std::string& old_name,
                        const std::string& new_name);
/// Gives back what a run has of networks, and removes its run directory. Idempotent. Throws Error.
void clear_run(const Context& context, const std::string& id);
[[nodiscard]] std::vector<network::Stray> list_strays(const Context& context);
/// Gives back the addresses that a container has by its claims alone, its run directory being lost. Throws Error.
void release_strays(const Context& context, const std::string& id);
[[nodiscard]] std::vector<network::Leftover> list_network_leftovers(const Context& context);
/// The same as clear_run() for one whose container is gone and who has no owner.
void remove_orphaned_run(const Context& context, const std::string& id);

// --- devices.cpp ---------------------------------------------------------------------------------------------------
/// Every device node under /dev, for --privileged.
[[nodiscard]] std::vector<oci::Device> list_host_devices();

// --- launch.cpp ----------------------------------------------------------------------------------------------------
/// A container under a supervisor of its own.
struct Launched {
  supervisor::Channel channel;  ///< the starter's end
  Fd init;                      ///< pidfd
  pid_t supervisor = 0;         ///< our child, as long as we stay
};
/// Forks the supervisor, which takes over the container's owner lock and starts the program. The documents of a
/// container that `saves_documents` are written meanwhile. Throws the supervisor's own Error.
enum class SaveDocuments : uint8_t { No, Yes };
[[nodiscard]] Launched launch(const Context& context, Container& container, SaveDocuments save_documents);

/// Writes run.json: a program runs, and this process owns it, as a supervisor or in the foreground. Throws Error.
enum class Supervised : uint8_t { No, Yes };
void save_processes(const Context& context, const std::string& id, const engine::Running& running,
                    Supervised supervised);

/// The user's streams on what was launched, until the program has ended and its supervisor is gone, or the user
/// detaches. Returns the exit status; 0 for one who detached. Throws Error when the supervisor is killed.
[[nodiscard]] int converse_with(Launched& launched, const state::Record& record, const Attachment& attachment,
                                const supervisor::SignalCollector& signals);

/// The supervisor's work from a configuration to a running program, after which it executes itself anew as what
/// serves the program. `handover` says what it has already.
[[noreturn]] void start_and_serve(const Context& context, Container& container, supervisor::Channel starter,
                                  supervisor::Handover handover);

// --- enter.cpp -----------------------------------------------------------------------------------------------------
/// The container, to be entered. Throws Error{Conflict} when it does not run or is paused; `verb` is for the message
/// ("exec in").
[[nodiscard]] ContainerSummary find_running(const Context& context, const std::string& reference,
                                            std::string_view verb);
/// For one that has ended since.
[[noreturn]] void throw_ended(const std::string& reference, std::string_view verb);
/// Makes the container's own process in `spec` the one that is asked for. Users are those that the container knows now.
void apply_request(const ExecRequest& request, const state::RunInfo& run, oci::Spec& spec);
/// Before a command is started whose container may open this process's executable: executes it anew where it cannot be
/// written to. Who is privileged has the machine anyhow.
void protect_own_executable(const state::Settings& settings, const oci::Spec& spec);
struct CommandOptions {
  engine::Lifetime lifetime = engine::Lifetime::TiedToParent;
  std::array<int, 3> streams = {0, 1, 2};  ///< become the command's 0, 1, 2 without a terminal; borrowed
};
/// Starts the process that `spec` has now in the container. Throws Error.
[[nodiscard]] engine::Running start_command(const Context& context, const ContainerSummary& container, FdRef init,
                                            const oci::Spec& spec, const CommandOptions& options);

// --- kept_command.cpp ----------------------------------------------------------------------------------------------
/// What is killed when nobody waits for a command any more: it alone, or what it has started as well.
enum class Abandoned : uint8_t { KillCommand, KillGroup };
/// What its keeper does for a command.
struct Keeping {
  Abandoned abandoned = Abandoned::KillCommand;
  std::function<void(int exit_status)> on_end = {};  ///< called at the end of one that was let go
};
/// A command in a container, and the process that keeps it: its parent, which reaps it even if this process is killed.
/// Whose parent does not, stays as a zombie, and its container cannot end (pid_namespaces(7)).
class KeptCommand {
 public:
  /// Makes the keeper, which calls `start`.
  explicit KeptCommand(const std::function<engine::Running()>& start, const Keeping& keeping = {});
  KeptCommand(const KeptCommand&) = delete;
  KeptCommand& operator=(const KeptCommand&) = delete;
  /// Ends the command, if it runs.
  ~KeptCommand();

  /// Throws what `start` has thrown.
  void wait_until_started();
  /// For poll(2): readable when the command has started, and again when it has ended.
  [[nodiscard]] FdRef news() const noexcept { return channel_.fd(); }
  /// Kills the command, also one that is being started still: then with its keeper, and it is left to this process to
  /// reap, if that is a subreaper (prctl(2)).
  void kill() noexcept;
  /// pidfd; not valid where the command is an independent one.
  [[nodiscard]] FdRef process() const noexcept { return process_.ref(); }
  /// The pty's master, once; not valid without a terminal.
  [[nodiscard]] Fd take_console() noexcept { return std::move(console_); }
  /// Waits for the end; the exit status. Throws Error when the keeper was killed.
  [[nodiscard]] int wait();
  /// Leaves the command and its console to the keeper: they go on without this process.
  void let_go(const Fd& console) noexcept;

 private:
  [[nodiscard]] supervisor::Message receive();
  static void expect(const supervisor::Message& message, supervisor::Kind kind);
  void end_keeper() noexcept;

  pid_t keeper_ = 0;
  supervisor::Channel channel_;
  supervisor::MessageBuffer buffer_;
  Fd process_;
  Fd console_;
};

// --- health_probe.cpp ----------------------------------------------------------------------------------------------
/// A check that has no exit status: its command could not be run, or took too long.
constexpr int kNoProbeStatus = -1;
/// Runs the check's command in the container. `init` is its pidfd. For a process that has no children: it
/// becomes a subreaper, and reaps whatever there is.
[[nodiscard]] state::ProbeResult probe_health(const Context& context, const ContainerSummary& container, FdRef init);

// --- health.cpp ----------------------------------------------------------------------------------------------------
/// Whether there is anything to run.
[[nodiscard]] bool has_health_check(const state::Record& record);
/// What its supervisor has to know.
[[nodiscard]] supervisor::HealthTimes health_times(const state::Record& record);
/// The command line of a process that does one check.
[[nodiscard]] std::vector<std::string> health_check_arguments(const Context& context, const std::string& id,
                                                              const std::string& name);
/// As it is to be shown; nullopt where there is no health check, or none was ever due.
[[nodiscard]] std::optional<state::Health> health_of(const Context& context, const state::Record& record,
                                                     state::Status status);

// --- finish.cpp ----------------------------------------------------------------------------------------------------
/// How a run ended.
struct End {
  int exit_code = 0;
  bool oom_killed = false;
  std::string error;
};
/// What an owner holds when it has recorded the end: nobody else changes the container until it is gone.
struct Finished {
  std::optional<FileLock> lock;
  std::optional<state::Record> record;  ///< nullopt: the container was removed under it
  bool is_saved = true;                 ///< false: the disk is full, and the run record has the end instead
};
/// Removes the control group, records the end and tells those who wait for it. Throws Error.
[[nodiscard]] Finished record_end(const Context& context, const std::string& id, const std::string& cgroup,
                                  const End& end);
/// What comes after: a container with --rm is removed, of another only the run directory.
void conclude(const Context& context, Finished finished);

// --- remove.cpp ----------------------------------------------------------------------------------------------------
/// Takes away all that a container has on disk and in the kernel; its processes must be gone. Idempotent, and a removal
/// that was cut short can be completed by anyone.
void remove_everything(const Context& context, const state::Record& record, RemoveVolumes volumes);
/// Where the container's control group is, or would be: a myct that was killed may not have come to noting it.
[[nodiscard]] std::string cgroup_of(const Context& context, const state::Record& record);
/// Whether processes of a container run that nothing else tells of: its run directory was removed under them.
[[nodiscard]] bool runs_unrecorded(const Context& context, const state::Record& record);
/// What a command owes to a dead container that it meets, whose own myct was killed before it could do so: one that was
/// to be removed at its end is removed, of another the end is recorded. True if it is gone.
bool reconcile(const Context& context, ContainerSummary& container);
/// The same for a container directory without a record: its myct was killed while it made or removed it.
void reconcile_unrecorded(const Context& context, const std::string& id);
/// Removes what removals that were cut short have left.
void sweep_removed(const Context& context);

// --- list.cpp ------------------------------------------------------------------------------------------------------
/// The container as it is now, after reconciliation; nullopt when it is being made or removed, or was removed by that.
/// Throws Error when its record cannot be read.
[[nodiscard]] std::optional<ContainerSummary> summarize(const Context& context, const std::string& id);
/// The same of a container that a user names. Throws Error{NotFound}.
[[nodiscard]] ContainerSummary find_summary(const Context& context, const std::string& reference);

// --- filter.cpp ----------------------------------------------------------------------------------------------------

// --- logs.cpp ------------------------------------------------------------------------------------------------------
/// Whether it was run without a supervisor, to which json-file is the default: a foreground container's program writes
/// to the descriptors of its myct, past any log. A supervisor makes one at once, and what could not be started has
/// none.
[[nodiscard]] bool wrote_elsewhere(const Context& context, const ContainerSummary& container);

// --- stop.cpp ------------------------------------------------------------------------------------------------------
/// Waits until the owner of a run has recorded its end and is gone; one that does not come to it is killed.
void wait_for_owner(const state::RunInfo& run);
/// What becomes of an owner that is stuck with the container's lock: stopped, or on a disk that does not answer.
enum class StuckOwner : uint8_t { Spare, Kill };
/// The container's lock, waited for with some patience. Throws Error that names who does not let go of it.
[[nodiscard]] FileLock lock_patiently(const Context& context, const std::string& id, StuckOwner stuck);

/// Bytes that the files in a directory hold; one with several names counts once, directories do not (docker's way of
/// counting). Throws Error.
[[nodiscard]] uint64_t size_of_tree(std::string path);

}  // namespace myct::manager
