// Sending blobs to a registry (distribution-spec, "Pushing blobs").
#pragma once

#include <optional>
#include <string>

#include "session.hpp"

namespace myct::registry {

[[nodiscard]] bool find_blob(Session& session, const Endpoint& endpoint, const Repository& repository,
                             const std::string& digest);

Client::Pushed send_blob(Session& session, const Repository& repository, const oci::Descriptor& blob,
                         const BlobSource& source, const std::optional<std::string>& mount_from,
                         const Progress& progress);

std::string send_manifest(Session& session, const RegistryReference& reference, const std::string& media_type,
                          const std::string& bytes);

}  // namespace myct::registry
