#include "layer_download.hpp"

#include <sys/socket.h>

#include "myct/base/error.hpp"

namespace myct::manager {

LayerDownload::LayerDownload(registry::Client& client, const registry::Repository& repository,
                             const oci::Descriptor& blob) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == -1) throw_errno("make a socket pair");
  ours_ = Fd(ends[0]);
  clients_ = Fd(ends[1]);
  thread_ = std::thread([this, &client, &repository, &blob] { download(client, repository, blob); });
}

LayerDownload::~LayerDownload() {
  ours_.reset();
  if (thread_.joinable()) thread_.join();
}

image::ByteSource LayerDownload::source() {
  return {.read = [this](std::span<uint8_t> buffer) { return receive(buffer); }, .descriptor = ours_.ref()};
}

void LayerDownload::download(registry::Client& client, const registry::Repository& repository,
                             const oci::Descriptor& blob) {
  try {
    client.fetch_blob(repository, blob, [this](std::span<const uint8_t> bytes) { send(bytes); });
  } catch (...) {
    error_ = std::current_exception();
  }
  clients_.reset();
}

void LayerDownload::send(std::span<const uint8_t> bytes) const {
  while (!bytes.empty()) {
    const ssize_t count = ::send(clients_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count == -1 && errno == EINTR) continue;
    if (count == -1) throw_errno("pass a layer on");
    bytes = bytes.subspan(static_cast<size_t>(count));
  }
}

size_t LayerDownload::receive(std::span<uint8_t> buffer) {
  ssize_t count = 0;
  do count = ::recv(ours_.get(), buffer.data(), buffer.size(), 0);
  while (count == -1 && errno == EINTR);
  if (count == -1) throw_errno("take a layer");
  if (count > 0) return static_cast<size_t>(count);
  // The end of the bytes is not yet that of the check of their digest.
  if (thread_.joinable()) thread_.join();
  if (error_) std::rethrow_exception(error_);
  return 0;
}

}  // namespace myct::manager
