// The standard streams of a process that goes on without its user.
#pragma once

namespace myct {

/// Connects stdin, stdout and stderr to /dev/null: whoever waits for the end of a pipe is not kept waiting. Throws
/// Error.
void silence_standard_streams();

}  // namespace myct
