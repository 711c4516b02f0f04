#include "myct/registry/client.hpp"

#include <algorithm>

#include "blob.hpp"
#include "manifest.hpp"
#include "myct/base/json.hpp"
#include "myct/base/units.hpp"
#include "push.hpp"
#include "session.hpp"
#include "url.hpp"

namespace myct::registry {
namespace {

constexpr int kNotFound = 404;
constexpr int kMostNestedIndexes = 3;
constexpr int kMostPages = 1000;
constexpr uint64_t kLargestPage = 4ULL << 20;

Call manifest_call(const RegistryReference& reference, Method method) {
  return {.request = {.method = method, .headers = {accept_manifests()}, .largest_body = oci::kLargestManifest},
          .path = reference.repository.path + "/manifests/" + reference.target(),
          .scopes = {"repository:" + reference.repository.path + ":pull"},
          .what = fmt::format("fetch '{}'", reference.familiar())};
}

/// The address in `Link: </v2/x/tags/list?last=b&n=2>; rel="next"` (RFC 8288); "" on the last page.
std::string next_page(const Response& response) {
  const std::string link = response.header("link");
  const size_t start = link.find('<');
  const size_t end = link.find('>');
  if (start == std::string::npos || end == std::string::npos || end < start) return {};
  if (link.find("next", end) == std::string::npos) return {};
  return resolve_url(response.url, link.substr(start + 1, end - start - 1));
}

}  // namespace

class Client::Impl {
 public:
  explicit Impl(const ClientOptions& options) : session(options) {}
  Session session;
};

Client::Client(ClientOptions options) : impl_(std::make_unique<Impl>(options)) {}
Client::~Client() = default;

Document Client::fetch_manifest(const RegistryReference& reference) {
  const Call call = manifest_call(reference, Method::Get);
  return with_sources(impl_->session, reference.repository.host, [&](const Endpoint& endpoint) {
    return make_document(impl_->session.ask(endpoint, call), reference.digest, reference.familiar());
  });
}

ImageDocument Client::fetch_image(const RegistryReference& reference, const Platform& platform) {
  ImageDocument image{.manifest = fetch_manifest(reference), .index_digest = {}};
  for (int depth = 0; oci::is_index_type(image.manifest.descriptor.media_type); ++depth) {
    if (depth == kMostNestedIndexes)
      throw_error(ErrorKind::Invalid, "{}: an index of indexes without end", reference.familiar());
    if (depth == 0) image.index_digest = image.manifest.descriptor.digest;
    const oci::Descriptor chosen =
        choose_platform(manifests_of(image.manifest, reference.familiar()), platform, reference.familiar());
    image.manifest = fetch_manifest({.repository = reference.repository, .tag = {}, .digest = chosen.digest});
    if (image.manifest.bytes.size() != chosen.size)
      throw_error(ErrorKind::Invalid, "{}: the manifest {} has {} bytes, and the index says {}", reference.familiar(),
                  chosen.digest, image.manifest.bytes.size(), chosen.size);
  }
  return image;
}

std::optional<oci::Descriptor> Client::try_find_manifest(const RegistryReference& reference) {
  const Call call = manifest_call(reference, Method::Head);
  const Endpoint endpoint = impl_->session.endpoints().registry(reference.repository.host);
  const Response response =
      impl_->session.send_patiently([&](Backoff&) { return impl_->session.send(endpoint, call); });
  if (response.status == kNotFound) return std::nullopt;
  const std::string digest = response.header("docker-content-digest");
  // Some registries know no HEAD, or leave the digest out.
  if (!response.succeeded() || !is_digest(digest)) return fetch_manifest(reference).descriptor;
  return oci::Descriptor{.media_type = response.header("content-type"),
                         .digest = digest,
                         .size = parse_unsigned(response.header("content-length")).value_or(0),
                         .annotations = {}};
}

void Client::fetch_blob(const Repository& repository, const oci::Descriptor& blob, const BlobSink& sink,
                        const Progress& progress) {
  BlobFetch fetch(impl_->session, repository, blob, sink, progress);
  with_sources(impl_->session, repository.host, [&](const Endpoint& endpoint) { fetch.fetch_from(endpoint); });
  fetch.verify();
}

std::string Client::fetch_small_blob(const Repository& repository, const oci::Descriptor& blob, uint64_t largest) {
  if (blob.size > largest)
    throw_error(ErrorKind::Invalid, "fetch {} of '{}': it has {} bytes, more than {}", blob.digest,
                repository.familiar(), blob.size, largest);
  std::string bytes;
  fetch_blob(repository, blob,
             [&](Bytes part) { bytes.append(reinterpret_cast<const char*>(part.data()), part.size()); });
  return bytes;
}

std::vector<std::string> Client::list_tags(const Repository& repository) {
  std::vector<std::string> tags;
  const Endpoint endpoint = impl_->session.endpoints().registry(repository.host);
  Call call{.request = {.largest_body = kLargestPage},
            .path = repository.path + "/tags/list",
            .scopes = {"repository:" + repository.path + ":pull"},
            .what = fmt::format("list the tags of '{}'", repository.familiar())};
  for (int page = 0; page < kMostPages; ++page) {
    const Response response = impl_->session.ask(endpoint, call);
    const json::Value document = json::parse(response.body, call.what);
    std::vector<std::string> found;
    if (document.is_object()) json::read(document, "tags", found);
    std::ranges::move(found, std::back_inserter(tags));
    call.request.url = next_page(response);
    if (call.request.url.empty()) break;
  }
  return tags;
}

bool Client::has_blob(const Repository& repository, const std::string& digest) {
  return find_blob(impl_->session, impl_->session.endpoints().registry(repository.host), repository, digest);
}

Client::Pushed Client::push_blob(const Repository& repository, const oci::Descriptor& blob, const BlobSource& source,
                                 const std::optional<std::string>& mount_from, const Progress& progress) {
  return send_blob(impl_->session, repository, blob, source, mount_from, progress);
}

std::string Client::push_manifest(const RegistryReference& reference, const std::string& media_type,
                                  const std::string& bytes) {
  return send_manifest(impl_->session, reference, media_type, bytes);
}

Credentials Client::check_credentials(const std::string& host, const Credentials& credentials) {
  return impl_->session.log_in(host, credentials);
}

}  // namespace myct::registry
