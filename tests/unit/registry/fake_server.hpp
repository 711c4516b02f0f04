// A small HTTP server in this process, which answers as a test tells it to: also wrongly.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "myct/base/fd.hpp"

namespace myct::registry {

struct FakeRequest {
  std::string method;
  std::string target;                          ///< "/v2/x?y=z"
  std::map<std::string, std::string> headers;  ///< names in lower case
  std::string body;

  /// "" without it.
  [[nodiscard]] std::string header(const std::string& name) const;
  /// Before the "?".
  [[nodiscard]] std::string path() const { return target.substr(0, target.find('?')); }
};

using FakeHeaders = std::vector<std::pair<std::string, std::string>>;

/// The other end of the client's connection.
class FakeReply {
 public:
  explicit FakeReply(int socket) : socket_(socket) {}
  /// An answer with its Content-Length.
  void answer(int status, std::string_view body = "", const FakeHeaders& headers = {});
  /// As it is; false when the client is gone.
  bool raw(std::string_view bytes);
  /// No more requests on this connection.
  void cut() { is_cut_ = true; }
  [[nodiscard]] bool is_cut() const noexcept { return is_cut_; }
  /// A HEAD is answered without its body.
  void leave_body_out() { without_body_ = true; }

 private:
  int socket_;
  bool is_cut_ = false;
  bool without_body_ = false;
};

/// Listens at 127.0.0.1. What does not look like HTTP, as TLS does, is hung up on.
class FakeServer {
 public:
  using Handler = std::function<void(const FakeRequest& request, FakeReply& reply)>;
  explicit FakeServer(Handler handler);
  FakeServer(const FakeServer&) = delete;
  FakeServer& operator=(const FakeServer&) = delete;
  ~FakeServer();

  [[nodiscard]] uint16_t port() const noexcept { return port_; }
  /// "127.0.0.1:PORT"
  [[nodiscard]] std::string host() const { return "127.0.0.1:" + std::to_string(port_); }
  /// What has been asked so far.
  [[nodiscard]] std::vector<FakeRequest> requests() const;
  /// How many of them begin with `method` and have `path`.
  [[nodiscard]] size_t count(std::string_view method, std::string_view path) const;

 private:
  void listen_for_clients();
  void serve(Fd socket);
  Handler handler_;
  Fd listener_;
  uint16_t port_ = 0;
  std::atomic<bool> stopped_{false};
  mutable std::mutex mutex_;
  std::vector<FakeRequest> requests_;
  std::vector<std::thread> clients_;
  std::thread acceptor_;
};

}  // namespace myct::registry
