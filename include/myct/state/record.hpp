// What is written down about a container: the record that lasts, and the run record that dies with the boot.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "myct/base/file.hpp"
#include "myct/base/process.hpp"
#include "myct/base/units.hpp"
#include "myct/state/paths.hpp"

namespace myct::state {

/// How a container's last run ended.
struct Outcome {
  int exit_code = 0;
  SystemTime finished_at;
};

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
  std::vector<std::string> anonymous_volumes;  ///< removed with the container
  std::optional<SystemTime> started_at;
  std::optional<Outcome> outcome;
};

/// containers/<id>/run.json under the runtime directory: the processes of a started container.
struct RunInfo {
  ProcessIdentity init;
  std::string cgroup;  ///< absolute path, or empty
};

enum class Status : uint8_t { Created, Running, Exited };

/// "created", "running", "exited": the words of docker inspect.
[[nodiscard]] std::string_view status_word(Status status) noexcept;

/// What the kernel says about a run record's processes.
struct KernelView {
  bool init_runs = false;
};
[[nodiscard]] KernelView look_at(const RunInfo& run);

/// The one place where a status is decided. Pure.
[[nodiscard]] Status status_of(const Record& record, const std::optional<RunInfo>& run, KernelView kernel) noexcept;

[[nodiscard]] std::string to_json(const Record& record);
[[nodiscard]] Record record_from_json(std::string_view text, std::string_view name);
[[nodiscard]] std::string to_json(const RunInfo& run);
[[nodiscard]] RunInfo run_info_from_json(std::string_view text, std::string_view name);

/// Writes container.json, also across a power loss unless the container is removed at its end anyway. Throws Error.
void save_record(const Paths& paths, const Record& record);
/// nullopt when there is no such container; throws Error when the record cannot be read.
[[nodiscard]] std::optional<Record> load_record(const Paths& paths, std::string_view id);
void save_run_info(const Paths& paths, std::string_view id, const RunInfo& run);
[[nodiscard]] std::optional<RunInfo> load_run_info(const Paths& paths, std::string_view id);

/// Held by the myct process that makes a container or waits for its end, as long as it lives: the kernel lets go of it
/// however that process ends. Makes the container's run directory. Throws Error.
[[nodiscard]] FileLock own_container(const Paths& paths, std::string_view id);
/// Whether such a process lives.
[[nodiscard]] bool has_owner(const Paths& paths, std::string_view id);

/// Removes the run directory of a container that has neither an owner nor a directory of its own: its myct was killed
/// before it made that, or after it removed it. Throws Error.
void remove_orphaned_run_directory(const Paths& paths, std::string_view id);

/// Ids of every container directory, in no order. No directory yet: none.
[[nodiscard]] std::vector<std::string> list_container_ids(const Paths& paths);
/// The same of every run directory.
[[nodiscard]] std::vector<std::string> list_run_ids(const Paths& paths);

}  // namespace myct::state
