// One HTTP request and its answer over libcurl: no redirects, no authentication, no second attempt.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "curl.hpp"
#include "digest.hpp"
#include "myct/base/error.hpp"

namespace myct::registry {

enum class Method : uint8_t { Get, Head, Post, Put };

/// Bytes to be sent, which may be read again from any offset when a request has to be repeated.
struct Upload {
  uint64_t size = 0;
  /// Fills `buffer` from the front with what is at `offset`; returns how much, 0 only at the end. May throw.
  std::function<size_t(uint64_t offset, std::span<char> buffer)> read;
};

struct Response {
  int status = 0;
  std::multimap<std::string, std::string> headers;  ///< names in lower case
  std::string body;                                 ///< of a failure at most its beginning; else what nobody received
  std::string url;                                  ///< that answered

  [[nodiscard]] bool succeeded() const noexcept { return status >= 200 && status < 300; }
  /// The first of that name; "" without one.
  [[nodiscard]] std::string header(const std::string& name) const;
};

struct Request {
  Method method = Method::Get;
  std::string url;
  std::vector<std::string> headers;  ///< "Name: value"
  std::string authorization;         ///< the header's value; empty: none
  std::string form;                  ///< of a POST: its body, application/x-www-form-urlencoded
  const Upload* upload = nullptr;    ///< of a PUT
  uint64_t largest_body = 1 << 20;   ///< of what goes into Response::body; more is an Error{Invalid}
  /// Gets the body of an answer that succeeded, piece by piece; `response` has status and headers. May throw.
  std::function<void(const Response& response, Bytes bytes)> receive;
  std::function<void(uint64_t bytes_sent)> sent;
};

/// How TLS is done with one host.
struct TlsSettings {
  bool verify = true;
  std::string authorities;  ///< PEM, beside the system's
  std::string certificate;  ///< files of the client's own, or empty
  std::string key;
  bool operator==(const TlsSettings&) const = default;
};

/// What went wrong below HTTP, and with that whether to try again, or another way.
enum class TransferFailure : uint8_t {
  NotReached,   ///< no such host, nobody listens
  NoTls,        ///< whoever listens does not speak TLS
  BadIdentity,  ///< its certificate is not trusted
  Cut,          ///< the connection ended early, or nothing came any more
  Other
};

class TransferError : public Error {
 public:
  TransferError(TransferFailure failure, std::string what, std::string hint)
      : Error(failure == TransferFailure::BadIdentity ? ErrorKind::Denied : ErrorKind::System, std::move(what), 0,
              std::move(hint)),
        failure_(failure) {}
  [[nodiscard]] TransferFailure failure() const noexcept { return failure_; }

 private:
  TransferFailure failure_;
};

/// Makes requests from any number of threads; each has a connection of its own meanwhile, kept for the next request.
class Transport {
 public:
  /// When `cancelled` becomes true, requests and waits end with Error{System} (EINTR) within a tenth of a second.
  explicit Transport(const std::atomic<bool>* cancelled) : cancelled_(cancelled) {}

  /// Throws TransferError; Error{Invalid} for answers beyond bounds; what `receive` and `read` threw.
  Response perform(const Request& request, const TlsSettings& tls);
  void wait(std::chrono::milliseconds duration) const;

 private:
  void throw_if_cancelled() const;
  std::unique_ptr<Connection> take_connection();
  const std::atomic<bool>* cancelled_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Connection>> idle_;
};

}  // namespace myct::registry
