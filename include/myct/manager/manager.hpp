// The life cycle of containers: the only part that knows all the others.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "myct/image/store.hpp"
#include "myct/manager/request.hpp"
#include "myct/state/health.hpp"
#include "myct/state/record.hpp"

namespace myct::manager {

/// Creates a container and does not start it. Returns its id. Throws Error, with nothing left behind.
std::string create(const Context& context, const RunRequest& request, const image::Progress& progress);

/// Creates a container and starts it under a supervisor, which lives as long as the container. Returns the id as soon
/// as the program runs. Throws Error, with nothing left behind.
std::string run_detached(const Context& context, const RunRequest& request, const image::Progress& progress);

/// Creates a container, starts it, waits for its end with signals and terminal passed through, and removes it when
/// asked to. Returns the program's exit status (128 + n when signal n killed it). Throws Error, with nothing left
/// behind, when the container could not be started. `progress` reports an import on first use.
/// With a terminal, a log or a restart policy a supervisor stands between, and the user can detach: then the status
/// is 0 and the container lives on.
int run(const Context& context, const RunRequest& request, const Attachment& attachment,
        const image::Progress& progress);

/// Starts a container that does not run. One that runs already is left as it is, as in Docker. Throws Error; the
/// container then stays, with the reason in its record.
void start(const Context& context, const std::string& reference);
/// The same with the user's streams attached; the program's exit status.
int start_attached(const Context& context, const std::string& reference, const Attachment& attachment);
/// Starts what is to run after a boot: the restart policies always, and unless-stopped that was not stopped. One that
/// cannot be started is named by a warning and does not keep the others from it; returns how many those were.
size_t start_restartable(const Context& context);

/// The user's streams to a running container; its exit status, or nullopt when the user detached.
std::optional<int> attach(const Context& context, const std::string& reference, const Attachment& attachment);

/// Sends the stop signal, waits, kills; returns when the end is recorded. One that does not run is fine.
void stop(const Context& context, const std::string& reference, const StopRequest& request);
/// Sends a signal; after SIGKILL returns when the end is recorded. Throws Error{Conflict} when it does not run.
void kill(const Context& context, const std::string& reference, int signal_number);
void restart(const Context& context, const std::string& reference, const StopRequest& request);
void pause(const Context& context, const std::string& reference);
void unpause(const Context& context, const std::string& reference);

/// Waits until the container does not run; its exit status.
int wait(const Context& context, const std::string& reference);

/// Runs a command in a running container. Its exit status; 0 at once when detached, nullopt when the user has left it
/// by the keys.
std::optional<int> exec(const Context& context, const std::string& reference, const ExecRequest& request);

void rename(const Context& context, const std::string& reference, const std::string& name);
/// Changes a container, running or not: its limits at once where it runs, and for all runs to come. Throws Error, with
/// nothing changed.
void update(const Context& context, const std::string& reference, const UpdateRequest& request);
/// A container as `ps` shows it.
struct ContainerSummary {
  state::Record record;
  std::optional<state::RunInfo> run;
  state::Status status = state::Status::Created;
  std::vector<state::PublishedPort> ports;  ///< of one that runs, as they are now
  std::optional<state::Health> health;      ///< of one that has a health check and was started
};

/// Every container, newest first. One whose record cannot be read is left out with a warning.
std::vector<ContainerSummary> list_containers(const Context& context);

/// The id that `reference` means: full id, name, or unique id prefix. Throws Error{NotFound} or Error{Conflict} naming
/// the candidates.
std::string find_container(const Context& context, const std::string& reference);

/// The ports that a container has published; none when it does not run. Throws Error.
[[nodiscard]] std::vector<state::PublishedPort> published_ports(const Context& context, const std::string& reference);

enum class RemoveRunning : uint8_t { Refuse, Kill };
enum class RemoveVolumes : uint8_t { No, Anonymous };

/// Removes a container with everything it has: processes when asked to, cgroup, directories, name. Throws Error.
void remove_container(const Context& context, const std::string& reference, RemoveRunning running,
                      RemoveVolumes volumes);

/// Images that existing containers were made from.
std::set<std::string> image_ids_in_use(const Context& context);

}  // namespace myct::manager
