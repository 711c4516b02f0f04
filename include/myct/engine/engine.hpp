// Starts a process tree that an OCI runtime configuration describes. Knows nothing of images, names or networks.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "myct/base/fd.hpp"
#include "myct/base/process.hpp"
#include "myct/spec/runtime_spec.hpp"

namespace myct::engine {

/// What becomes of the process when the one that made it dies.
enum class Lifetime : uint8_t {
  TiedToParent,  ///< it is killed (PR_SET_PDEATHSIG)
  Independent,   ///< it goes on; in a container that is entered, as a child of its init
  LeftToReaper,  ///< it goes on as an orphan: the nearest subreaper, such as conmon, learns how it ends
};

/// Where an init waits to be started: two FIFOs; borrowed.
struct Gate {
  FdRef permission;  ///< one byte in it is the permission to go on
  FdRef report;      ///< an init that fails then writes why into it; closed by the exec
};

struct SpawnOptions {
  std::string bundle;         ///< directory that a relative root.path is resolved against
  std::string seccomp_cache;  ///< directory for compiled filters; empty: none
  Lifetime lifetime = Lifetime::TiedToParent;
  int standard_streams[3] = {0, 1, 2};  ///< become the program's 0, 1, 2 without a terminal; borrowed
  std::optional<Gate> gate;             ///< both open for reading and writing; for wait_until_created()
  int preserved_descriptors = 0;        ///< of ours, from 3 on, that the program keeps
  bool pivot = true;                    ///< false: MS_MOVE and chroot(2), for hosts whose root is the initial ramfs
  std::string keyring;                  ///< the name of a session keyring to make; empty: ours
  std::string lasting_state;            ///< what hooks are told: oci::lasting_state()
};

/// A container whose init has been exec'ed. The owner waits for it.
struct Running {
  ChildProcess init;                  ///< none when an independent process has entered a container: its init reaps it
  Fd console;                         ///< the pty's master when process.terminal is set, else invalid
  std::optional<std::string> cgroup;  ///< absolute path of its control group
};

/// A running container that another process is to join.
struct Target {
  FdRef init;          ///< pidfd of its init; borrowed
  std::string cgroup;  ///< absolute path of its control group, or empty
};

/// A container whose init exists in its namespaces and cgroup and waits. Destroying it kills the init.
class Pending {
 public:
  Pending(Pending&&) noexcept;
  Pending& operator=(Pending&&) noexcept;
  ~Pending();

  [[nodiscard]] pid_t pid() const noexcept;
  /// Absolute path of its control group; empty: it has none.
  [[nodiscard]] std::string cgroup() const;
  /// For whoever fails to do something with the waiting init: throws the child's own Error if it has ended.
  void throw_if_ended();
  /// Lets the init go on, through all steps to exec, and returns at once: the caller has time for other work.
  void proceed();
  /// Waits until the init has exec'ed. Throws the child's own Error: the step, the object, errno and the exit status
  /// (127 or 126 when it was the command that could not be run).
  [[nodiscard]] Running wait_until_running();
  /// The same of an init that is given a gate: waits until it waits there. It goes on by itself then.
  [[nodiscard]] Running wait_until_created();

 private:
  friend Pending spawn(const oci::Spec&, const SpawnOptions&);
  friend Pending enter(const oci::Spec&, const SpawnOptions&, const Target&);
  enum class Until : uint8_t;
  [[nodiscard]] Running wait_until(Until until);
  struct State;
  explicit Pending(std::unique_ptr<State> state) noexcept;
  std::unique_ptr<State> state_;
};

/// Makes the control group and the init process. Throws Error.
[[nodiscard]] Pending spawn(const oci::Spec& spec, const SpawnOptions& options);

/// Makes a process in a running container's namespaces and control group. `spec` is the container's configuration with
/// the new process in it; its mounts and the like are not looked at. Throws Error{NotFound} when the container ends
/// meanwhile. This process becomes undumpable. Programs with CAP_SYS_PTRACE may open this process's executable: the
/// caller sees to it that it cannot be written to.
[[nodiscard]] Pending enter(const oci::Spec& spec, const SpawnOptions& options, const Target& target);

/// Lets an init that waits go on, and waits for its exec. `gate.permission` is open for writing, `gate.report` for
/// reading, and nobody else than the init has that open for writing. Throws the init's own Error.
void open_gate(const Gate& gate);

/// The options of mounts that are understood here, and not left to file systems; sorted.
[[nodiscard]] std::vector<std::string> mount_option_names();

/// Runs hooks one after the other in this process's namespaces, with `state` on their standard input. Throws Error
/// naming the hook that cannot be run, fails, or takes longer than it may.
void run_hooks(const std::vector<oci::Hook>& hooks, const std::string& state);

/// Changes the limits of a live control group: applies what is set in resources and leaves the rest. Throws Error; what
/// it applied before a failure is undone.
void update(const std::string& cgroup, const oci::Resources& resources);

}  // namespace myct::engine
