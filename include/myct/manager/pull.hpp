// Images from registries and to them, and who we are to them: pull, push, login, logout.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "myct/manager/request.hpp"
#include "myct/registry/client.hpp"

namespace myct::manager {

/// How registries are spoken to, beyond what /etc/myct/registries.json says.
struct RegistryOptions {
  registry::TlsVerify tls_verify = registry::TlsVerify::Default;
  std::string certificate_directory;  ///< empty: certs.d
};

struct PullRequest {
  std::string image;                           ///< as the user names it
  std::optional<registry::Platform> platform;  ///< nullopt: this machine's
  RegistryOptions registry;
};

/// Of a pull the first four, of a push the others.
enum class LayerStage : uint8_t { Waiting, AlreadyThere, Downloading, Complete, Pushing, Pushed, Mounted, Present };

/// Is told how it goes. One call at a time, but from several threads. Empty functions are not called.
struct PullObserver {
  /// "alpine" will be pulled by its tag "latest".
  std::function<void(const registry::RegistryReference& reference)> begin;
  /// `layer` is its blob's digest; `done` of `total` bytes have come.
  std::function<void(const std::string& layer, LayerStage stage, uint64_t done, uint64_t total)> layer;
};

struct PullResult {
  registry::RegistryReference reference;
  std::string digest;     ///< of what the registry has by that name
  std::string id;         ///< the image's
  bool is_newer = false;  ///< the name meant nothing or another image before
};

/// Brings an image into the store, whole or not at all; several layers at a time. A name without a registry is looked
/// for in those of "search". Throws Error.
PullResult pull(const Context& context, const PullRequest& request, const PullObserver& observer);
/// The same for every tag that the repository has; `request.image` must name none.
std::vector<PullResult> pull_all_tags(const Context& context, const PullRequest& request, const PullObserver& observer);

struct PushRequest {
  std::string image;  ///< its name in the store, which says where it goes
  RegistryOptions registry;
};
struct PushResult {
  registry::RegistryReference reference;
  std::string digest;  ///< by which the registry knows it
  uint64_t size = 0;   ///< of the manifest
};
/// Puts an image's blobs where the registry does not have them, several at a time, and then names it. Throws Error.
PushResult push(const Context& context, const PushRequest& request, const PullObserver& observer);

/// Tries the credentials at the registry, and keeps them as docker does. Throws Error{Denied} when it refuses them.
registry::Kept log_in(const std::string& host, const registry::Credentials& credentials,
                      const RegistryOptions& options);
/// Forgets them; false when there were none.
bool log_out(const std::string& host);

}  // namespace myct::manager
