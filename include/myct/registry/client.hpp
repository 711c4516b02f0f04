// A client of registries: OCI distribution specification 1.1, and Docker's registry v2 as it is met.
//
//   Client client({.configuration = load_configuration(configuration_path())});
//   const Document manifest = client.fetch_image(parse_registry_reference("alpine"), host_platform());
//   client.fetch_blob(repository, layer, [&](auto bytes) { ... });        // from as many threads as you like
//
// Failures that pass (connections, 429, 5xx) are tried again with growing waits. What was fetched has been compared
// with its digest and size when a function returns. Error{Denied}: log in; Error{NotFound}: not there, or not for us;
// Error{Invalid}: the registry sent something wrong; Error{System} otherwise. No error and no log line holds a secret.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "myct/registry/configuration.hpp"
#include "myct/registry/credentials.hpp"
#include "myct/registry/platform.hpp"
#include "myct/registry/reference.hpp"
#include "myct/spec/image_spec.hpp"

namespace myct::registry {

/// How failures that pass are met.
struct RetryPolicy {
  int attempts = 6;
  std::chrono::milliseconds first_wait{500};
  std::chrono::milliseconds longest_wait{16'000};
  /// A registry that asks for a longer wait (Retry-After) is given up.
  std::chrono::milliseconds longest_asked_for{120'000};
};

/// Whether the registry must prove who it is. Default: yes, but for this machine itself and "insecure" registries,
/// which may also speak plain HTTP.
enum class TlsVerify : uint8_t { Default, Always, Never };

struct ClientOptions {
  Configuration configuration;
  CredentialFiles credential_files = registry::credential_files();
  /// For this client alone, instead of what the files have.
  std::optional<Credentials> credentials = std::nullopt;
  TlsVerify tls_verify = TlsVerify::Default;
  /// ca.crt (*.crt), client.cert and client.key of every registry. Without it: those in HOST[:PORT]/ below
  /// `certificate_roots`.
  std::string certificate_directory = {};
  std::vector<std::string> certificate_roots{"/etc/myct/certs.d", "/etc/docker/certs.d"};
  RetryPolicy retries = {};
  /// Ends everything within a tenth of a second when it becomes true: Error{System} with EINTR.
  const std::atomic<bool>* cancelled = nullptr;
};

/// A manifest, an index or another document, byte for byte.
struct Document {
  oci::Descriptor descriptor;
  std::string bytes;
};

struct ImageDocument {
  Document manifest;
  std::string index_digest;  ///< of the index that named it; empty when the name is the manifest's own
  /// What was asked for: of the index if there is one, else of the manifest. Users know the image by it.
  [[nodiscard]] const std::string& digest() const noexcept {
    return index_digest.empty() ? manifest.descriptor.digest : index_digest;
  }
};

using BlobSink = std::function<void(std::span<const uint8_t> bytes)>;
using Progress = std::function<void(uint64_t done, uint64_t total)>;
/// Fills `buffer` from the front with the blob's bytes at `offset`; returns how many, 0 only at the end. May be asked
/// for the same bytes again.
using BlobSource = std::function<size_t(uint64_t offset, std::span<char> buffer)>;

/// Any function may be called from any thread, several at a time.
class Client {
 public:
  explicit Client(ClientOptions options);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // --- read --------------------------------------------------------------------------------------------------
  /// The manifest or index behind a tag or a digest.
  [[nodiscard]] Document fetch_manifest(const RegistryReference& reference);
  /// The same, and from an index on to the manifest for `platform`. A manifest that no index leads to is taken as it
  /// is: its configuration says what it is for.
  [[nodiscard]] ImageDocument fetch_image(const RegistryReference& reference, const Platform& platform);
  /// What is behind a tag or digest now, without its bytes; nullopt when there is nothing.
  [[nodiscard]] std::optional<oci::Descriptor> try_find_manifest(const RegistryReference& reference);
  /// Passes exactly the blob's bytes to `sink`, in order and each once, however often the connection is cut; they have
  /// proved right only when this returns.
  void fetch_blob(const Repository& repository, const oci::Descriptor& blob, const BlobSink& sink,
                  const Progress& progress = {});
  /// A blob of at most `largest` bytes: a configuration.
  [[nodiscard]] std::string fetch_small_blob(const Repository& repository, const oci::Descriptor& blob,
                                             uint64_t largest);
  [[nodiscard]] std::vector<std::string> list_tags(const Repository& repository);

  // --- write -------------------------------------------------------------------------------------------------
  [[nodiscard]] bool has_blob(const Repository& repository, const std::string& digest);
  enum class Pushed : uint8_t { WasThere, Mounted, Sent };
  /// Puts a blob there unless it is; takes it from `mount_from`, a path on the same registry, if that has it and we may
  /// read it there.
  Pushed push_blob(const Repository& repository, const oci::Descriptor& blob, const BlobSource& source,
                   const std::optional<std::string>& mount_from = std::nullopt, const Progress& progress = {});
  /// Puts a manifest or index by a tag, or by its digest; returns the digest.
  std::string push_manifest(const RegistryReference& reference, const std::string& media_type,
                            const std::string& bytes);

  // --- who we are --------------------------------------------------------------------------------------------
  /// Tries the credentials at the registry. Returns what to keep: with an identity token where it gives one. Throws
  /// Error{Denied} when it refuses them.
  [[nodiscard]] Credentials check_credentials(const std::string& host, const Credentials& credentials);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace myct::registry
