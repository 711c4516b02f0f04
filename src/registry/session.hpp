// Requests to registries with all that lies between: redirects, authentication, plain HTTP where it is allowed, and
// further attempts.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "authenticator.hpp"
#include "backoff.hpp"
#include "endpoint.hpp"
#include "myct/base/log.hpp"
#include "transfer.hpp"

namespace myct::registry {

/// One thing asked of a registry.
struct Call {
  Request request;   ///< its url is made of `endpoint` and `path`, or is absolute where the registry gave it
  std::string path;  ///< below /v2/
  std::vector<std::string> scopes;  ///< "repository:library/alpine:pull"
  std::string what;                 ///< for messages: "fetch 'alpine:latest'"
};

/// What a registry says of a failure in its body, made fit for a line; "" without any.
[[nodiscard]] std::string failure_text(const std::string& body);

/// Throws the Error that an answer other than success is.
[[noreturn]] void throw_answer(const Response& response, const Endpoint& endpoint, const std::string& what);

class Session {
 public:
  explicit Session(const ClientOptions& options);

  /// One attempt, for which a token may be fetched. Any status; 401 only when nothing helps.
  Response send(const Endpoint& endpoint, const Call& call);
  /// As many as the policy allows, while the failure may pass. `attempt` gets the backoff to start it over.
  Response send_patiently(const std::function<Response(Backoff&)>& attempt);
  /// The usual case: throws unless the answer is a success.
  Response ask(const Endpoint& endpoint, const Call& call);

  /// Client::check_credentials().
  Credentials log_in(const std::string& host, const Credentials& credentials);

  [[nodiscard]] Endpoints& endpoints() noexcept { return endpoints_; }

 private:
  /// `body` with the endpoint as it is, or without TLS where it may be and speaks none.
  Response speak(const Endpoint& endpoint, const std::function<Response(const Endpoint&)>& body);
  Response send_to(const Endpoint& endpoint, const Call& call);
  Response send_once(const Endpoint& endpoint, const Call& call, const std::string& authorization);
  Transport transport_;
  Endpoints endpoints_;
  RetryPolicy retries_;
  Authenticator authenticator_;
};

/// Does `body` with each endpoint that has what `host` has until it succeeds: a mirror that fails is passed over. The
/// registry itself is the last, and its error is the answer.
template <typename Body>
auto with_sources(Session& session, const std::string& host, Body body) {
  const std::vector<Endpoint> endpoints = session.endpoints().sources(host);
  for (const Endpoint& endpoint : endpoints) {
    if (!endpoint.is_mirror) break;
    try {
      return body(endpoint);
    } catch (const Error& error) {
      if (error.errnum() == EINTR) throw;
      log::info("the mirror {} is passed over: {}", endpoint.host, error.what());
    }
  }
  return body(endpoints.back());
}

}  // namespace myct::registry
