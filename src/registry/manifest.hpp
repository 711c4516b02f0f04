// Manifests and indexes as registries send them: what they are, and what an index leads to. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "myct/registry/client.hpp"
#include "transfer.hpp"

namespace myct::registry {

/// The header Accept that asks for every kind of manifest that we take.
[[nodiscard]] const std::string& accept_manifests();

/// Makes a Document of an answer: its media type as the document itself says, else as the header does, else by its
/// members. `digest` is what it must have, or empty. Throws Error{Invalid}: another digest, or no manifest;
/// Error{Unsupported}: Docker's schema 1.
[[nodiscard]] Document make_document(const Response& response, const std::string& digest, const std::string& name);

/// The manifests that an index or manifest list names. Throws Error{Invalid}.
[[nodiscard]] std::vector<PlatformManifest> manifests_of(const Document& index, const std::string& name);

}  // namespace myct::registry
