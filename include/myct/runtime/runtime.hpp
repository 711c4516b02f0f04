// Containers as the OCI runtime specification has them: a bundle that somebody else has made is created, started,
// signalled and deleted (runtime.md). A thin layer over the engine, with records of its own; knows nothing of images,
// networks, names or of myct's own containers.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "myct/spec/runtime_spec.hpp"

namespace myct::runtime {

/// Who makes the control groups.
enum class CgroupManager : uint8_t { Cgroupfs, Systemd };

/// What holds for all that one process does.
struct Context {
  std::string root;  ///< directory of the records, one directory per container
  CgroupManager cgroup_manager = CgroupManager::Cgroupfs;
};

/// Derived from the record and from what the kernel says, never stored.
enum class Status : uint8_t { Creating, Created, Running, Paused, Stopped };
/// "creating" and so on (runtime.md, "State").
[[nodiscard]] std::string_view status_word(Status status) noexcept;

struct State {
  std::string id;
  std::string bundle;
  std::string rootfs;
  std::string created;  ///< RFC 3339
  uid_t owner = 0;
  std::map<std::string, std::string> annotations;
  Status status = Status::Stopped;
  pid_t pid = 0;  ///< 0 when stopped
};

struct CreateRequest {
  std::string id;
  std::string bundle = ".";
  std::string config;          ///< file of the configuration; empty: config.json of the bundle
  std::string console_socket;  ///< is given the pty's master; needed with process.terminal
  std::string pid_file;
  int preserved_descriptors = 0;
  bool pivot = true;
  bool new_keyring = true;
  bool own_console = false;  ///< the pty's master stays in this process
};

/// Makes the container up to its program, which start() executes. Throws Error; then nothing is left.
void create(const Context& context, const CreateRequest& request);

/// Executes the program of a container that has been created. Throws the container's own Error.
void start(const Context& context, const std::string& id);

struct RunRequest {
  CreateRequest create;
  bool detach = false;
  bool keep = false;  ///< the container is not deleted at its end
};
/// create() and start(), and unless detached waits for the end, passing signals on, and deletes. Returns the exit
/// status.
int run(const Context& context, const RunRequest& request);

/// Throws Error{NotFound}.
[[nodiscard]] State state(const Context& context, const std::string& id);
/// All of them, by their ids.
[[nodiscard]] std::vector<State> list(const Context& context);

enum class Whom : uint8_t { Init, All };
/// Throws Error; "container not running" for one that has stopped, as other programs look for these words.
void kill(const Context& context, const std::string& id, int signal, Whom whom);

enum class Force : uint8_t { No, Yes };
/// Removes what create() has made, and runs the poststop hooks. With force kills it first, and is content with one that
/// is not there.
void remove(const Context& context, const std::string& id, Force force);

/// Throws Error.
void pause(const Context& context, const std::string& id);
void resume(const Context& context, const std::string& id);

/// The processes of the container, by the host's numbers.
[[nodiscard]] std::vector<pid_t> processes(const Context& context, const std::string& id);

struct ExecRequest {
  /// Changes the container's own process into the one to execute.
  std::function<void(oci::Process&)> change;
  std::string console_socket;
  std::string pid_file;
  int preserved_descriptors = 0;
  bool detach = false;
  bool ignore_paused = false;
};
/// Executes one more process in a running container. Returns its exit status; 0 when detached.
int exec(const Context& context, const std::string& id, const ExecRequest& request);

/// Changes the limits of a container.
void update(const Context& context, const std::string& id, oci::Resources resources);

/// What the container uses, as the JSON that `runc events --stats` prints.
[[nodiscard]] std::string stats(const Context& context, const std::string& id);
/// Prints by `print` a line of JSON with the statistics every `interval`, and one when a process was killed for want of
/// memory, until the container ends.
void events(const Context& context, const std::string& id, std::chrono::seconds interval,
            const std::function<void(const std::string&)>& print);

/// An example of a configuration, for `myct oci spec`.
[[nodiscard]] std::string example_spec();
/// What this runtime can do (features.md), as JSON.
[[nodiscard]] std::string features();

}  // namespace myct::runtime
