// Answers registries that ask who we are: Basic (RFC 7617), and Bearer with tokens of another service
// (distribution: docs/spec/auth/token.md, oauth.md).
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "challenge.hpp"
#include "endpoint.hpp"
#include "myct/registry/client.hpp"
#include "transfer.hpp"

namespace myct::registry {

using Scopes = std::vector<std::string>;

/// Thread-safe.
class Authenticator {
 public:
  Authenticator(Transport& transport, const ClientOptions& options);

  /// The Authorization that has served these scopes before; "" when there is none, or it has expired.
  [[nodiscard]] std::string known(const Endpoint& endpoint, const Scopes& scopes);
  /// What to answer to a 401; kept for known(). nullopt when there is nothing to say: no credentials, or no challenge
  /// that we can meet. `repository` is "host/path" of podman's credentials. Throws Error.
  [[nodiscard]] std::optional<std::string> answer(const Endpoint& endpoint, const Scopes& scopes,
                                                  const Response& refusal);

  /// Answers for these credentials instead of the kept ones, which a login is about. `identity_token` is set when the
  /// token service gives one.
  [[nodiscard]] std::optional<std::string> answer_with(const Endpoint& endpoint, const Credentials& credentials,
                                                       const Response& refusal, std::string& identity_token);

 private:
  struct Token {
    std::string authorization;
    std::chrono::steady_clock::time_point expires;
  };
  struct Asker {
    const Endpoint& endpoint;
    const Scopes& scopes;
    const std::optional<Credentials>& credentials;
    std::string* identity_token = nullptr;  ///< not null: ask for one
  };
  std::optional<Token> meet(const Response& refusal, const Asker& asker);
  Token fetch_token(const Asker& asker, const Challenge& challenge);
  Response ask_service(const Asker& asker, const Request& request);

  Transport& transport_;
  CredentialFiles files_;
  std::optional<Credentials> credentials_;
  RetryPolicy retries_;
  std::mutex mutex_;
  std::map<std::string, Token> tokens_;
};

}  // namespace myct::registry
