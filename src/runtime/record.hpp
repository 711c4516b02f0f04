// A container's directory below the root: what create() writes and the others read.
//
//     <root>/<id>/config.json   the configuration as it was at create: later changes of the bundle mean nothing
//                 state.json    the rest of the record
//                 gate, report  FIFOs where its init waits to be started; gone with the start. The first has another
//                               name until create() is through
//
// The directory itself is the container's lock (flock(2)).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "myct/base/file.hpp"
#include "myct/base/process.hpp"
#include "myct/runtime/runtime.hpp"

namespace myct::runtime {

inline constexpr std::string_view kGate = "gate";
inline constexpr std::string_view kUnfinishedGate = "gate.new";
inline constexpr std::string_view kReport = "report";

struct Record {
  std::string id;
  std::string bundle;
  std::string rootfs;
  std::string created;
  uid_t owner = 0;
  std::map<std::string, std::string> annotations;
  ProcessIdentity init;
  std::string cgroup;  ///< absolute path of the control group; empty: none
};

/// Throws Error{Invalid} for what is no name of a container.
void check_id(const std::string& id);
[[nodiscard]] std::string directory_of(const Context& context, const std::string& id);
[[nodiscard]] std::string file_of(const Context& context, const std::string& id, std::string_view name);

/// Keeps other commands off the container. Throws Error{NotFound}.
[[nodiscard]] FileLock lock(const Context& context, const std::string& id);

void save(const Context& context, const Record& record);
/// Throws Error{NotFound} when there is no such container.
[[nodiscard]] Record load(const Context& context, const std::string& id);
/// nullopt for a directory without a record: create() is at it, or was killed.
[[nodiscard]] std::optional<Record> try_load(const Context& context, const std::string& id);
[[nodiscard]] oci::Spec load_spec(const Context& context, const std::string& id);

[[nodiscard]] Status status_of(const Context& context, const Record& record);
[[nodiscard]] State state_of(const Context& context, const Record& record);

/// What hooks are told of a container.
[[nodiscard]] std::string state_for_hooks(const Record& record, Status status);

/// Writes the number alone, as others' programs expect it.
void write_pid_file(const std::string& path, pid_t pid);
/// Hands the pty's master to who listens at `socket`.
void send_console(const std::string& socket, FdRef console);

}  // namespace myct::runtime
