// The steps of starting a container, named once for four users: the packet in which a child reports a failure,
// the timeline of --debug, fault injection, and the tests that kill at every step.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace myct {

// enumerator, what the user reads
#define MYCT_STEPS(X)                                     \
  X(None, "start")                                        \
  X(WaitForParent, "wait for the parent")                 \
  X(JoinNamespaces, "join namespaces")                    \
  X(SetUpSession, "set up the session")                   \
  X(SetUpLoopback, "bring up the loopback interface")     \
  X(SetHostname, "set the host name")                     \
  X(MakePrivate, "make mounts private")                   \
  X(BecomeRoot, "become root of the user namespace")      \
  X(MountRootfs, "mount the root file system")            \
  X(MountVolumes, "mount volumes")                        \
  X(PopulateDev, "populate /dev")                         \
  X(MakeWorkingDirectory, "make the working directory")   \
  X(OpenConsole, "set up the terminal")                   \
  X(RunHooks, "run the hooks")                            \
  X(PivotRoot, "enter the root file system")              \
  X(CloseDescriptors, "close descriptors")                \
  X(WriteSysctls, "write sysctls")                        \
  X(MaskPaths, "mask paths")                              \
  X(SetLimits, "set resource limits")                     \
  X(RestrictSyscalls, "install the seccomp filter")       \
  X(EnterWorkingDirectory, "enter the working directory") \
  X(SetIdentity, "set user and capabilities")             \
  X(ExecProcess, "run")                                   \
  /* only when a running container is entered */          \
  X(EnterPidNamespace, "enter the pid namespace")         \
  /* only when it is created first and started later */   \
  X(WaitForStart, "wait to be started")

enum class Step : uint32_t {
#define MYCT_STEP_ENUM(name, text) name,
  MYCT_STEPS(MYCT_STEP_ENUM)
#undef MYCT_STEP_ENUM
};

/// "mount the root file system": what the user reads.
[[nodiscard]] std::string_view step_text(Step step) noexcept;
/// "MountRootfs": what --debug and fault injection use.
[[nodiscard]] std::string_view step_name(Step step) noexcept;
[[nodiscard]] std::optional<Step> step_from_name(std::string_view name) noexcept;

}  // namespace myct
