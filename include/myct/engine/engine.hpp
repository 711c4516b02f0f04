// Starts a process tree that an OCI runtime configuration describes. Knows nothing of images, names or networks.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "myct/base/fd.hpp"
#include "myct/base/process.hpp"
#include "myct/spec/runtime_spec.hpp"

namespace myct::engine {

/// Whether the container's init is killed when the process that spawned it dies (PR_SET_PDEATHSIG).
enum class Lifetime : uint8_t { TiedToParent, Independent };

struct SpawnOptions {
  std::string bundle;         ///< directory that a relative root.path is resolved against
  std::string seccomp_cache;  ///< directory for compiled filters; empty: none
  Lifetime lifetime = Lifetime::TiedToParent;
  int standard_streams[3] = {0, 1, 2};  ///< become the program's 0, 1, 2 without a terminal; borrowed
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
  /// For whoever fails to do something with the waiting init: throws the child's own Error if it has ended.
  void throw_if_ended();
  /// Lets the init go on, through all steps to exec, and returns at once: the caller has time for other work.
  void proceed();
  /// Waits until the init has exec'ed. Throws the child's own Error: the step, the object, errno and the exit status
  /// (127 or 126 when it was the command that could not be run).
  [[nodiscard]] Running wait_until_running();

 private:
  friend Pending spawn(const oci::Spec&, const SpawnOptions&);
  friend Pending enter(const oci::Spec&, const SpawnOptions&, const Target&);
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

/// Changes the limits of a live control group: applies what is set in resources and leaves the rest. Throws Error; what
/// it applied before a failure is undone.
void update(const std::string& cgroup, const oci::Resources& resources);

}  // namespace myct::engine
