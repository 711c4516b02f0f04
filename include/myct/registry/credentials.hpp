// Credentials for registries where docker and podman keep them, too: docker's config.json, podman's auth.json, and
// the programs docker-credential-NAME that they name.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace myct::registry {

/// Who somebody is to a registry. Never printed.
struct Credentials {
  std::string username;
  std::string password;
  std::string identity_token;  ///< what some registries give for a password; takes its place

  bool operator==(const Credentials&) const = default;
};

/// Files that may hold credentials; an empty path is absent.
struct CredentialFiles {
  std::string auth;    ///< podman's auth.json; where it is named, it comes first, and is written to
  std::string config;  ///< docker's config.json
};

/// $REGISTRY_AUTH_FILE; $DOCKER_CONFIG/config.json, else ~/.docker/config.json.
[[nodiscard]] CredentialFiles credential_files();

/// What is kept for `host`, or more closely for "host/path..." of `repository`; nullopt when there is nothing. Throws
/// Error on an unreadable file or a helper that fails.
[[nodiscard]] std::optional<Credentials> find_credentials(const CredentialFiles& files, std::string_view host,
                                                          std::string_view repository = {});

/// Where credentials have gone, for what is told to the user.
struct Kept {
  std::string where;         ///< the file, or "docker-credential-NAME"
  bool is_readable = false;  ///< in a file, encoded but not encrypted
};

/// Keeps them as `docker login` does: with the helper that the file names for `host`, else in the file, which is
/// replaced whole (0600) with all of its other members. Throws Error.
Kept save_credentials(const CredentialFiles& files, std::string_view host, const Credentials& credentials);

/// Forgets them, in every file and helper; false when there were none. Throws Error.
bool erase_credentials(const CredentialFiles& files, std::string_view host);

}  // namespace myct::registry
