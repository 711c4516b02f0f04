// The life cycle of containers: the only part that knows all the others.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "myct/image/store.hpp"
#include "myct/manager/request.hpp"
#include "myct/state/record.hpp"

namespace myct::manager {

/// Creates a container, starts it, waits for its end with signals and terminal passed through, and removes it when
/// asked to. Returns the program's exit status (128 + n when signal n killed it). Throws Error, with nothing left
/// behind, when the container could not be started. `progress` reports an import on first use.
int run(const Context& context, const RunRequest& request, const image::Progress& progress);

/// A container as `ps` shows it.
struct ContainerSummary {
  state::Record record;
  std::optional<state::RunInfo> run;
  state::Status status = state::Status::Created;
};

/// Every container, newest first. One whose record cannot be read is left out with a warning.
std::vector<ContainerSummary> list_containers(const Context& context);

/// The id that `reference` means: full id, name, or unique id prefix. Throws Error{NotFound} or Error{Conflict} naming
/// the candidates.
std::string find_container(const Context& context, const std::string& reference);

enum class RemoveRunning : uint8_t { Refuse, Kill };
enum class RemoveVolumes : uint8_t { No, Anonymous };

/// Removes a container with everything it has: processes when asked to, cgroup, directories, name. Throws Error.
void remove_container(const Context& context, const std::string& reference, RemoveRunning running,
                      RemoveVolumes volumes);

/// Images that existing containers were made from.
std::set<std::string> image_ids_in_use(const Context& context);

}  // namespace myct::manager
