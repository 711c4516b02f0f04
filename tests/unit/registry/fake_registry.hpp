// A registry that behaves, unless a test tells it not to.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <string>

#include "fake_server.hpp"
#include "myct/registry/client.hpp"

namespace myct::registry {

class FakeRegistry {
 public:
  /// Gets each request first; true when it has answered.
  using Misbehaviour = std::function<bool(const FakeRequest& request, FakeReply& reply)>;
  explicit FakeRegistry(Misbehaviour misbehave = {});

  /// Keeps a blob; returns its descriptor.
  oci::Descriptor add_blob(const std::string& bytes);
  /// Keeps a manifest by its digest and by `tag`; returns its digest.
  std::string add_manifest(const std::string& tag, const std::string& bytes, const std::string& media_type);

  [[nodiscard]] const FakeServer& server() const noexcept { return server_; }
  [[nodiscard]] std::string host() const { return server_.host(); }
  /// "app" in this registry.
  [[nodiscard]] Repository repository() const { return {.host = host(), .path = "app"}; }
  [[nodiscard]] RegistryReference reference(const std::string& tag = "latest") const {
    return {.repository = repository(), .tag = tag, .digest = {}};
  }
  /// "" when it is not kept.
  [[nodiscard]] std::string blob(const std::string& digest) const;
  [[nodiscard]] std::string manifest(const std::string& target) const;

 private:
  void handle(const FakeRequest& request, FakeReply& reply);
  void serve_blob(const FakeRequest& request, FakeReply& reply, const std::string& digest) const;
  void serve_manifest(const FakeRequest& request, FakeReply& reply, const std::string& target);
  void take_upload(const FakeRequest& request, FakeReply& reply);

  struct Manifest {
    std::string bytes;
    std::string media_type;
  };
  Misbehaviour misbehave_;
  mutable std::mutex mutex_;
  std::map<std::string, std::string> blobs_;
  std::map<std::string, Manifest> manifests_;
  FakeServer server_;  // last: it serves until it is destroyed
};

/// Options that ask no file of the user's, and do not wait long.
[[nodiscard]] ClientOptions quick_options();

/// A document of an image with one layer.
[[nodiscard]] std::string manifest_text(const oci::Descriptor& config, const oci::Descriptor& layer);

/// Bytes that do not repeat soon.
[[nodiscard]] std::string noise(size_t size);

}  // namespace myct::registry
