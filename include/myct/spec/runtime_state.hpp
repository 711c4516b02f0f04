// What the OCI runtime specification has runtimes tell of a container (runtime.md, "State"; config-linux.md, "The
// Container Process State").
#pragma once

#include <map>
#include <string>
#include <string_view>

#include <sys/types.h>

namespace myct::oci {

/// The version of the specification that this program writes.
inline constexpr const char* kVersion = "1.2.0";

/// The state of a container as a JSON object without its last members, "status" and "pid", and without its closing
/// brace: what does not change in its life.
[[nodiscard]] std::string lasting_state(const std::string& id, const std::string& bundle,
                                        const std::map<std::string, std::string>& annotations);
/// The whole document. `pid` 0: there is none.
[[nodiscard]] std::string complete_state(const std::string& lasting_state, std::string_view status, pid_t pid);

/// What comes with a descriptor that tells of system calls; `state` is a whole document.
[[nodiscard]] std::string container_process_state(const std::string& state, pid_t pid, const std::string& metadata);

}  // namespace myct::oci
