#include "redirect.hpp"

#include "url.hpp"

namespace myct::registry {
namespace {

constexpr int kMostRedirects = 10;

bool is_redirect(const Request& request, const Response& response) {
  // What is sent must arrive: only 307 and 308 say that the method stays (RFC 9110, 15.4).
  const bool keeps_method = response.status == 307 || response.status == 308;
  const bool is_read = request.method == Method::Get || request.method == Method::Head;
  const bool leads_on = response.status == 301 || response.status == 302 || response.status == 303;
  return (keeps_method || (is_read && leads_on)) && !response.header("location").empty();
}

}  // namespace

Response perform_following(Transport& transport, Request request, TlsSettings tls, Downgrade downgrade) {
  for (int redirects = 0; redirects <= kMostRedirects; ++redirects) {
    Response response = transport.perform(request, tls);
    if (!is_redirect(request, response)) return response;
    const Origin from = origin_of(request.url);
    const std::string target = resolve_url(request.url, response.header("location"));
    const Origin to = origin_of(target);
    if (from.scheme == "https" && to.scheme == "http" && downgrade == Downgrade::No)
      throw_error(ErrorKind::Invalid, "{} leads from https to {}, which anybody could have written",
                  presentable(request.url), presentable(target));
    if (from != to) {
      request.authorization.clear();
      tls.certificate.clear();
      tls.key.clear();
    }
    request.url = target;
  }
  throw_error(ErrorKind::Invalid, "{} leads in circles: {} redirects", presentable(request.url), kMostRedirects);
}

}  // namespace myct::registry
