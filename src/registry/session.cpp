#include "session.hpp"

#include <algorithm>
#include <optional>

#include "myct/base/json.hpp"
#include "patience.hpp"
#include "redirect.hpp"
#include "url.hpp"

namespace myct::registry {
namespace {

constexpr size_t kLongestFailureText = 200;

std::string text_of(const json::Value& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

/// One line without control characters, which could play with a terminal.
std::string presentable_line(std::string text) {
  std::ranges::replace_if(
      text, [](unsigned char c) { return c < ' ' || c == 0x7f; }, ' ');
  if (text.size() > kLongestFailureText) text = text.substr(0, kLongestFailureText) + "...";
  return text;
}

/// Whether the answer comes from the registry, and not from where it has sent us.
bool is_own(const Response& response, const Endpoint& endpoint) {
  return origin_of(response.url) == origin_of(endpoint.base);
}

Endpoint plain_form(const Endpoint& endpoint) {
  Endpoint plain = endpoint;
  plain.base.replace(0, std::string_view("https").size(), "http");
  return plain;
}

/// Whoever does not speak TLS may speak HTTP; and behind 443, where nobody listens, comes 80.
bool may_speak_plainly(const TransferError& error, const Endpoint& endpoint) {
  return error.failure() == TransferFailure::NoTls ||
         (error.failure() == TransferFailure::NotReached && origin_of(endpoint.base).port == "443");
}

}  // namespace

std::string failure_text(const std::string& body) {
  // The bodies of gateways in between are pages for people.
  const json::Value document = json::Value::parse(body, nullptr, /*allow_exceptions=*/false);
  if (!document.is_object()) return {};
  if (const auto errors = document.find("errors"); errors != document.end() && errors->is_array() && !errors->empty()) {
    const json::Value& first = errors->front();
    if (!first.is_object()) return {};
    const std::string message = text_of(first, "message");
    return presentable_line(message.empty() ? text_of(first, "code") : message);
  }
  for (const char* key : {"message", "details", "error_description", "error"})
    if (const std::string text = text_of(document, key); !text.empty()) return presentable_line(text);
  return {};
}

void throw_answer(const Response& response, const Endpoint& endpoint, const std::string& what) {
  const std::string text = failure_text(response.body);
  const std::string why = text.empty() ? "" : ": " + text;
  const std::string login = fmt::format("log in with 'myct login {}'", endpoint.host);
  switch (response.status) {
    case 401:
    case 403:
      throw Error(ErrorKind::Denied, fmt::format("{}: {} denies access{}", what, endpoint.host, why), 0,
                  login + " if it is there at all");
    case 404:
      throw Error(ErrorKind::NotFound, fmt::format("{}: no such image, or no access to it{}", what, why));
    case 429:
      throw Error(ErrorKind::System, fmt::format("{}: {} has had too many requests{}", what, endpoint.host, why), 0,
                  "try later, or " + login);
    default:
      throw Error(ErrorKind::System,
                  fmt::format("{}: {} has answered {}{}", what, presentable(response.url), response.status, why));
  }
}

Session::Session(const ClientOptions& options)
    : transport_(options.cancelled),
      endpoints_(options),
      retries_(options.retries),
      authenticator_(transport_, options) {}

Response Session::send_once(const Endpoint& endpoint, const Call& call, const std::string& authorization) {
  Request request = call.request;
  if (request.url.empty()) request.url = endpoint.url(call.path);
  request.authorization = authorization;
  TlsSettings tls = endpoint.tls;
  if (origin_of(request.url) != origin_of(endpoint.base)) {
    request.authorization.clear();
    tls.certificate.clear();
    tls.key.clear();
  }
  const Downgrade downgrade = endpoint.may_be_plain ? Downgrade::Yes : Downgrade::No;
  return perform_following(transport_, std::move(request), tls, downgrade);
}

Response Session::send_to(const Endpoint& endpoint, const Call& call) {
  Response response = send_once(endpoint, call, authenticator_.known(endpoint, call.scopes));
  if (response.status != 401 || !is_own(response, endpoint)) return response;
  // Once: who refuses the answer to his own challenge would do so for ever.
  const std::optional<std::string> answer = authenticator_.answer(endpoint, call.scopes, response);
  return answer ? send_once(endpoint, call, *answer) : response;
}

Response Session::speak(const Endpoint& endpoint, const std::function<Response(const Endpoint&)>& body) {
  if (!endpoint.may_be_plain || !endpoint.base.starts_with("https:")) return body(endpoint);
  // An earlier call, perhaps another thread's, may have found out.
  const Endpoint plain = plain_form(endpoint);
  const std::optional<Speech> speech = endpoints_.speech_of(endpoint);
  if (speech) return body(speech == Speech::Plain ? plain : endpoint);
  try {
    Response response = body(endpoint);
    endpoints_.remember(endpoint, Speech::Tls);
    return response;
  } catch (const TransferError& error) {
    if (!may_speak_plainly(error, endpoint)) throw;
    log::debug("{}: trying without TLS", error.what());
  }
  Response response = body(plain);
  // 400 is what a server of TLS says to plain HTTP: the attempt before was an accident.
  if (response.status != 400) endpoints_.remember(endpoint, Speech::Plain);
  return response;
}

Response Session::send(const Endpoint& endpoint, const Call& call) {
  return speak(endpoint, [&](const Endpoint& spoken) { return send_to(spoken, call); });
}

Response Session::send_patiently(const std::function<Response(Backoff&)>& attempt) {
  return patiently(transport_, retries_, attempt);
}

Response Session::ask(const Endpoint& endpoint, const Call& call) {
  Response response = send_patiently([&](Backoff&) { return send(endpoint, call); });
  if (!response.succeeded()) throw_answer(response, endpoint, call.what);
  return response;
}

Credentials Session::log_in(const std::string& host, const Credentials& credentials) {
  const Call call{.request = {}, .path = "", .scopes = {}, .what = fmt::format("log in to {}", host)};
  const Endpoint endpoint = endpoints_.registry(host);
  Credentials kept = credentials;
  const auto attempt = [&](const Endpoint& spoken) {
    Response response = send_once(spoken, call, "");
    if (response.status != 401 || !is_own(response, spoken)) return response;
    const auto answer = authenticator_.answer_with(spoken, credentials, response, kept.identity_token);
    return answer ? send_once(spoken, call, *answer) : response;
  };
  const Response response = send_patiently([&](Backoff&) { return speak(endpoint, attempt); });
  if (!response.succeeded()) throw_answer(response, endpoint, call.what);
  return kept;
}

}  // namespace myct::registry
