// The manager's own building blocks, one per file beside this header.
#pragma once

#include <string>
#include <vector>

#include "myct/base/file.hpp"
#include "myct/base/undo.hpp"
#include "myct/image/store.hpp"
#include "myct/manager/manager.hpp"
#include "myct/spec/runtime_spec.hpp"

namespace myct::manager {

// --- create.cpp ----------------------------------------------------------------------------------------------------
/// A container that has its directories and its name, and has not been started.
struct Container {
  state::Record record;
  oci::Spec spec;
  std::string directory;
  std::optional<FileLock> owner;  ///< tells other commands that somebody takes care of it
};
/// Makes all but the documents; what has to be taken back if a later step fails is pushed to `undo`.
[[nodiscard]] Container create_container(const Context& context, const RunRequest& request, const image::Rootfs& rootfs,
                                         UndoStack& undo);

/// Writes config.json and the record; until then the container is one that is being made.
void save_documents(const Context& context, const Container& container);

// --- volumes.cpp ---------------------------------------------------------------------------------------------------
/// Refuses what can be refused before anything is made. Throws Error.
void check_mounts(const std::vector<MountRequest>& requests);
/// Gives every anonymous volume a name, and returns these: they are recorded before the volumes are made, so that a
/// kill in between leaves none that nobody knows.
[[nodiscard]] std::vector<std::string> name_anonymous_volumes(std::vector<MountRequest>& requests);
/// Makes bind sources and volumes that are missing and fills new volumes from the image.
[[nodiscard]] std::vector<oci::Mount> resolve_mounts(const Context& context, const std::vector<MountRequest>& requests,
                                                     const image::Rootfs& rootfs, UndoStack& undo);
/// Removes a volume with its data; idempotent.
void remove_volume(const Context& context, const std::string& name);

// --- devices.cpp ---------------------------------------------------------------------------------------------------
/// Every device node under /dev, for --privileged.
[[nodiscard]] std::vector<oci::Device> list_host_devices();

// --- remove.cpp ----------------------------------------------------------------------------------------------------
/// Takes away all that a container has on disk and in the kernel; its processes must be gone. Idempotent, and the
/// directory with the record goes before the name and the run directory: a removal that was cut short can be
/// repeated by anyone.
void remove_everything(const Context& context, const state::Record& record, RemoveVolumes volumes);
/// What a command owes to a dead container that it meets: one that was to be removed at its end, and whose own myct was
/// killed before it could do so, is removed now. True if so.
bool reconcile(const Context& context, const ContainerSummary& container);
/// The same for a container directory without a record: its myct was killed while it made or removed it.
void reconcile_unrecorded(const Context& context, const std::string& id);

// --- list.cpp ------------------------------------------------------------------------------------------------------
/// The container as it is now, after reconciliation; nullopt when it is being made or removed, or was removed by that.
/// Throws Error when its record cannot be read.
[[nodiscard]] std::optional<ContainerSummary> summarize(const Context& context, const std::string& id);

}  // namespace myct::manager
