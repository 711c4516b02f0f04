// Reading what a container's supervisor has written to its json-file log.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "myct/base/fd.hpp"
#include "myct/base/units.hpp"

namespace myct::supervisor {

struct LogsRequest {
  bool follow = false;
  std::optional<uint64_t> tail;  ///< the last so many records of those that are asked for; nullopt: all
  std::optional<SystemTime> since;
  std::optional<SystemTime> until;
  bool timestamps = false;
  bool details = false;
};

/// Prints a container's log: what it wrote to stdout on `out`, to stderr on `err`, in the order in which it was
/// written. No log yet: nothing. A damaged record is left out.
///
/// With `follow` it waits for more until `writer`, a pidfd of the supervisor, has ended, and prints what that wrote
/// last; nullptr: nobody writes. Ends earlier when the time `until` has come, or nobody reads `out` any more. Returns
/// quietly when the reader is gone (EPIPE, where SIGPIPE is ignored). Throws Error.
void print_logs(const std::string& container_directory, const LogsRequest& request, const Fd* writer, FdRef out,
                FdRef err);

/// Whether there is a log at all.
[[nodiscard]] bool has_log(const std::string& container_directory);

}  // namespace myct::supervisor
