// One layer on its way from a registry into the store: the client pushes bytes in a thread of its own, the store pulls
// them, and a socket between makes either wait for the other.
#pragma once

#include <exception>
#include <thread>

#include "myct/base/fd.hpp"
#include "myct/image/ingest.hpp"
#include "myct/registry/client.hpp"

namespace myct::manager {

class LayerDownload {
 public:
  /// Begins at once. All of them must outlive it.
  LayerDownload(registry::Client& client, const registry::Repository& repository, const oci::Descriptor& blob);
  LayerDownload(const LayerDownload&) = delete;
  LayerDownload& operator=(const LayerDownload&) = delete;
  /// Hangs up, and waits for the client: whose bytes are not wanted any more notices with the next.
  ~LayerDownload();

  /// What has come; it ends with the client's error, if it had one. Must not outlive this.
  [[nodiscard]] image::ByteSource source();

 private:
  void download(registry::Client& client, const registry::Repository& repository, const oci::Descriptor& blob);
  void send(std::span<const uint8_t> bytes) const;
  size_t receive(std::span<uint8_t> buffer);
  Fd ours_;
  Fd clients_;
  std::exception_ptr error_;
  std::thread thread_;
};

}  // namespace myct::manager
