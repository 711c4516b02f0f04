#include "authenticator.hpp"

#include <algorithm>

#include "base64.hpp"
#include "myct/base/json.hpp"
#include "myct/base/log.hpp"
#include "patience.hpp"
#include "redirect.hpp"
#include "session.hpp"
#include "url.hpp"

namespace myct::registry {
namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* kClientId = "myct";
constexpr uint64_t kLargestAnswer = 1 << 20;
constexpr int64_t kShortestLife = 60;  // seconds; what a token without "expires_in" has, too
constexpr int64_t kLongestLife = 24 * 3600;
constexpr std::chrono::seconds kMargin{10};  // a token must outlive the way to the registry

std::string key_of(const Endpoint& endpoint, const Scopes& scopes) {
  std::string key = endpoint.base;
  for (const std::string& scope : scopes) key.append("\n").append(scope);
  return key;
}

/// "library/alpine" of the first scope "repository:library/alpine:pull".
std::string repository_of(const Scopes& scopes) {
  if (scopes.empty()) return {};
  const size_t first = scopes.front().find(':');
  const size_t last = scopes.front().rfind(':');
  return first == std::string::npos || first == last ? "" : scopes.front().substr(first + 1, last - first - 1);
}

std::string basic(const Credentials& credentials) {
  return "Basic " + to_base64(credentials.username + ":" + credentials.password);
}

std::vector<Challenge> challenges_of(const Response& refusal) {
  std::vector<Challenge> challenges;
  const auto [first, last] = refusal.headers.equal_range("www-authenticate");
  for (auto header = first; header != last; ++header)
    std::ranges::move(parse_challenges(header->second), std::back_inserter(challenges));
  return challenges;
}

const Challenge* find_scheme(const std::vector<Challenge>& challenges, std::string_view scheme) {
  const auto found = std::ranges::find(challenges, scheme, &Challenge::scheme);
  return found == challenges.end() ? nullptr : &*found;
}

/// Ours and those that the registry names, which some name in a way of their own.
Scopes all_scopes(const Scopes& ours, const Challenge& challenge) {
  Scopes scopes = ours;
  const std::string theirs = challenge.parameter("scope");
  for (size_t start = 0; start < theirs.size();) {
    const size_t space = std::min(theirs.find(' ', start), theirs.size());
    const std::string scope = theirs.substr(start, space - start);
    if (!scope.empty() && std::ranges::find(scopes, scope) == scopes.end()) scopes.push_back(scope);
    start = space + 1;
  }
  return scopes;
}

std::string joined(const Scopes& scopes) {
  std::string text;
  for (const std::string& scope : scopes) text += (text.empty() ? "" : " ") + scope;
  return text;
}

/// oauth.md: an identity token for an access token.
Request refresh_request(const Challenge& challenge, const Scopes& scopes, const std::string& identity_token) {
  Request request{.method = Method::Post, .url = challenge.parameter("realm"), .largest_body = kLargestAnswer};
  request.form = fmt::format("grant_type=refresh_token&client_id={}&service={}&scope={}&refresh_token={}", kClientId,
                             percent_encode(challenge.parameter("service")), percent_encode(joined(scopes)),
                             percent_encode(identity_token));
  return request;
}

/// token.md: name and password, or nothing, for an access token.
Request token_request(const Challenge& challenge, const Scopes& scopes, const std::optional<Credentials>& credentials,
                      bool wants_identity_token) {
  Request request{.url = challenge.parameter("realm"), .largest_body = kLargestAnswer};
  const auto add = [&](std::string_view name, std::string_view value) {
    request.url = with_parameter(request.url, name, value);
  };
  if (const std::string service = challenge.parameter("service"); !service.empty()) add("service", service);
  for (const std::string& scope : scopes) add("scope", scope);
  if (wants_identity_token) add("offline_token", "true");
  if (wants_identity_token) add("client_id", kClientId);
  if (credentials) add("account", credentials->username);
  if (credentials) request.authorization = basic(*credentials);
  return request;
}

struct TokenDocument {
  std::string token;
  std::string identity_token;
  std::chrono::seconds life;
};

TokenDocument read_token(const std::string& body, const std::string& host) {
  const std::string name = fmt::format("the token of {}", host);
  const json::Value document = json::parse(body, name);
  if (!document.is_object()) throw_error(ErrorKind::Invalid, "read '{}': not a JSON object", name);
  TokenDocument answer;
  int64_t seconds = kShortestLife;
  json::read(document, "token", answer.token);
  if (answer.token.empty()) json::read(document, "access_token", answer.token);
  json::read(document, "expires_in", seconds);
  json::read(document, "refresh_token", answer.identity_token);
  // It is copied into a header: it must not bring lines of its own.
  if (answer.token.empty() || std::ranges::any_of(answer.token, [](unsigned char c) { return c <= ' ' || c >= 0x7f; }))
    throw_error(ErrorKind::Invalid, "read '{}': it holds none", name);
  answer.life = std::chrono::seconds(std::clamp(seconds, kShortestLife, kLongestLife));
  return answer;
}

/// Secrets go to a token service over TLS only, unless the registry itself may do without.
void check_realm(const std::string& realm, const Endpoint& endpoint) {
  const Origin origin = origin_of(realm);
  if (origin.scheme == "http" && !endpoint.may_be_plain && endpoint.base.starts_with("https:"))
    throw_error(ErrorKind::Invalid, "{} wants credentials sent to {} without encryption", endpoint.host,
                presentable(realm));
}

}  // namespace

Authenticator::Authenticator(Transport& transport, const ClientOptions& options)
    : transport_(transport),
      files_(options.credential_files),
      credentials_(options.credentials),
      retries_(options.retries) {}

std::string Authenticator::known(const Endpoint& endpoint, const Scopes& scopes) {
  const std::lock_guard lock(mutex_);
  const auto found = tokens_.find(key_of(endpoint, scopes));
  if (found == tokens_.end() || Clock::now() + kMargin >= found->second.expires) return {};
  return found->second.authorization;
}

std::optional<std::string> Authenticator::answer(const Endpoint& endpoint, const Scopes& scopes,
                                                 const Response& refusal) {
  const std::optional<Credentials> credentials = credentials_ && !endpoint.is_mirror
                                                     ? credentials_
                                                     : find_credentials(files_, endpoint.host, repository_of(scopes));
  const std::optional<Token> token =
      meet(refusal, {.endpoint = endpoint, .scopes = scopes, .credentials = credentials});
  if (!token) return std::nullopt;
  const std::lock_guard lock(mutex_);
  tokens_[key_of(endpoint, scopes)] = *token;
  return token->authorization;
}

std::optional<std::string> Authenticator::answer_with(const Endpoint& endpoint, const Credentials& credentials,
                                                      const Response& refusal, std::string& identity_token) {
  const std::optional<Credentials> given = credentials;
  const Scopes none;
  const std::optional<Token> token =
      meet(refusal, {.endpoint = endpoint, .scopes = none, .credentials = given, .identity_token = &identity_token});
  return token ? std::optional(token->authorization) : std::nullopt;
}

std::optional<Authenticator::Token> Authenticator::meet(const Response& refusal, const Asker& asker) {
  const std::vector<Challenge> challenges = challenges_of(refusal);
  const Challenge* bearer = find_scheme(challenges, "bearer");
  if (bearer != nullptr && !bearer->parameter("realm").empty()) return fetch_token(asker, *bearer);
  if (find_scheme(challenges, "basic") == nullptr || !asker.credentials) return std::nullopt;
  return Token{.authorization = basic(*asker.credentials), .expires = Clock::time_point::max()};
}

Response Authenticator::ask_service(const Asker& asker, const Request& request) {
  // The registry's authorities and leniency hold for its token service, its client certificate for itself alone.
  TlsSettings tls = asker.endpoint.tls;
  if (origin_of(request.url) != origin_of(asker.endpoint.base)) tls.certificate.clear(), tls.key.clear();
  const Downgrade downgrade = asker.endpoint.may_be_plain ? Downgrade::Yes : Downgrade::No;
  try {
    return patiently(transport_, retries_,
                     [&](Backoff&) { return perform_following(transport_, request, tls, downgrade); });
  } catch (const TransferError& error) {
    // All attempts have been made: no reason for the caller to repeat them.
    throw Error(error.kind(), fmt::format("get a token for {}: {}", asker.endpoint.host, error.subject()), 0,
                error.hint());
  }
}

Authenticator::Token Authenticator::fetch_token(const Asker& asker, const Challenge& challenge) {
  check_realm(challenge.parameter("realm"), asker.endpoint);
  const Scopes scopes = all_scopes(asker.scopes, challenge);
  const bool has_token = asker.credentials && !asker.credentials->identity_token.empty();
  const Request request = has_token
                              ? refresh_request(challenge, scopes, asker.credentials->identity_token)
                              : token_request(challenge, scopes, asker.credentials, asker.identity_token != nullptr);
  const Response response = ask_service(asker, request);
  if (response.succeeded()) {
    TokenDocument document = read_token(response.body, asker.endpoint.host);
    if (asker.identity_token != nullptr) *asker.identity_token = std::move(document.identity_token);
    return {.authorization = "Bearer " + document.token, .expires = Clock::now() + document.life};
  }
  const std::string what = fmt::format("get a token for {}", asker.endpoint.host);
  const std::string text = failure_text(response.body);
  // A service that knows no anonymous access, or refuses the credentials; 400 is OAuth's "invalid_grant".
  const bool is_refusal = response.status == 400 || response.status == 401 || response.status == 403;
  if (is_refusal && asker.credentials)
    throw Error(ErrorKind::Denied,
                fmt::format("{}: the credentials are refused{}", what, text.empty() ? "" : ": " + text), 0,
                fmt::format("log in with 'myct login {}'", asker.endpoint.host));
  throw_answer(response, asker.endpoint, what);
}

}  // namespace myct::registry
