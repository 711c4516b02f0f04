// A container's root directory as a descriptor, for commands that look into its files from outside.
#pragma once

#include <optional>

#include "myct/base/fd.hpp"
#include "myct/base/file.hpp"
#include "myct/base/process.hpp"
#include "myct/supervisor/channel.hpp"
#include "steps.hpp"

namespace myct::manager {

/// The root with all that is mounted below it, as long as the object lives. Of a running container it is the very one
/// that its init sees. Of another, its file systems are mounted meanwhile in a mount namespace of a child process, and
/// the container cannot be started.
class ContainerRoot {
 public:
  /// Throws Error.
  [[nodiscard]] static ContainerRoot open(const Context& context, const std::string& reference);

  [[nodiscard]] FdRef directory() const noexcept { return directory_.ref(); }

 private:
  ContainerRoot() = default;

  std::optional<FileLock> lock_;
  ChildProcess keeper_;               ///< its mount namespace holds the mounts
  supervisor::Channel conversation_;  ///< the end of which is the keeper's
  Fd directory_;
};

}  // namespace myct::manager
