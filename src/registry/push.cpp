#include "push.hpp"

#include <algorithm>
#include <cstring>

#include "manifest.hpp"
#include "url.hpp"

namespace myct::registry {
namespace {

constexpr int kCreated = 201;
constexpr int kNotFound = 404;

Scopes scopes_to_push(const Repository& repository, const std::optional<std::string>& mount_from = {}) {
  Scopes scopes{"repository:" + repository.path + ":pull,push"};
  if (mount_from) scopes.push_back("repository:" + *mount_from + ":pull");
  return scopes;
}

/// Begins an upload, or has the blob mounted from elsewhere: then the status is 201.
Response begin_upload(Session& session, const Endpoint& endpoint, const Repository& repository,
                      const oci::Descriptor& blob, const std::optional<std::string>& mount_from) {
  Call call{.request = {.method = Method::Post},
            .path = repository.path + "/blobs/uploads/",
            .scopes = scopes_to_push(repository, mount_from),
            .what = fmt::format("send {} to '{}'", blob.digest, repository.familiar())};
  if (mount_from) call.path = with_parameter(with_parameter(call.path, "mount", blob.digest), "from", *mount_from);
  return session.send(endpoint, call);
}

struct Sending {
  Response response;
  Client::Pushed how = Client::Pushed::Sent;
};

/// One whole attempt: an upload that was cut is begun anew.
Sending upload(Session& session, const Endpoint& endpoint, const Repository& repository, const oci::Descriptor& blob,
               const Upload& body, const std::optional<std::string>& mount_from, const Progress& progress) {
  const Response begun = begin_upload(session, endpoint, repository, blob, mount_from);
  if (!begun.succeeded()) return {begun};
  if (begun.status == kCreated) return {begun, Client::Pushed::Mounted};
  const std::string location = resolve_url(begun.url, begun.header("location"));
  Call call{.request = {.method = Method::Put,
                        .url = with_parameter(location, "digest", blob.digest),
                        .headers = {"Content-Type: application/octet-stream"},
                        .upload = &body},
            .path = {},
            .scopes = scopes_to_push(repository, mount_from),
            .what = {}};
  if (progress) call.request.sent = [&](uint64_t sent) { progress(sent, blob.size); };
  Response response = session.send(endpoint, call);
  if (response.status == kNotFound)  // BLOB_UPLOAD_UNKNOWN
    throw TransferError(
        TransferFailure::Cut,
        fmt::format("send {} to '{}': the registry has forgotten the upload", blob.digest, repository.familiar()), {});
  return {std::move(response)};
}

}  // namespace

bool find_blob(Session& session, const Endpoint& endpoint, const Repository& repository, const std::string& digest) {
  if (!is_digest(digest)) throw_error(ErrorKind::Invalid, "digest '{}' is of no known form", digest);
  const Call call{.request = {.method = Method::Head},
                  .path = repository.path + "/blobs/" + digest,
                  .scopes = scopes_to_push(repository),
                  .what = fmt::format("look for {} in '{}'", digest, repository.familiar())};
  const Response response = session.send_patiently([&](Backoff&) { return session.send(endpoint, call); });
  if (response.status == kNotFound) return false;
  if (!response.succeeded()) throw_answer(response, endpoint, call.what);
  return true;
}

Client::Pushed send_blob(Session& session, const Repository& repository, const oci::Descriptor& blob,
                         const BlobSource& source, const std::optional<std::string>& mount_from,
                         const Progress& progress) {
  const Endpoint endpoint = session.endpoints().registry(repository.host);
  if (find_blob(session, endpoint, repository, blob.digest)) return Client::Pushed::WasThere;
  const Upload body{.size = blob.size, .read = source};
  Sending sending;
  const Response response = session.send_patiently([&](Backoff&) {
    sending = upload(session, endpoint, repository, blob, body, mount_from, progress);
    const int status = sending.response.status;
    // Who may not read there can still send.
    if (mount_from && (status == 401 || status == 403 || status == kNotFound))
      sending = upload(session, endpoint, repository, blob, body, std::nullopt, progress);
    return sending.response;
  });
  if (!response.succeeded())
    throw_answer(response, endpoint, fmt::format("send {} to '{}'", blob.digest, repository.familiar()));
  return sending.how;
}

std::string send_manifest(Session& session, const RegistryReference& reference, const std::string& media_type,
                          const std::string& bytes) {
  const std::string what = fmt::format("send the manifest of '{}'", reference.familiar());
  if (bytes.size() > oci::kLargestManifest)
    throw_error(ErrorKind::Invalid, "{}: it has more than {} bytes", what, oci::kLargestManifest);
  const Upload body{.size = bytes.size(), .read = [&](uint64_t offset, std::span<char> buffer) {
                      const size_t count = std::min<size_t>(buffer.size(), bytes.size() - offset);
                      std::memcpy(buffer.data(), bytes.data() + offset, count);
                      return count;
                    }};
  const Endpoint endpoint = session.endpoints().registry(reference.repository.host);
  const Response response = session.ask(
      endpoint, {.request = {.method = Method::Put, .headers = {"Content-Type: " + media_type}, .upload = &body},
                 .path = reference.repository.path + "/manifests/" + reference.target(),
                 .scopes = scopes_to_push(reference.repository),
                 .what = what});
  const std::string digest = digest_of(bytes);
  const std::string kept = response.header("docker-content-digest");
  if (is_digest(kept) && kept.starts_with("sha256:") && kept != digest)
    throw_error(ErrorKind::Invalid, "{}: the registry has kept another: {}", what, kept);
  return digest;
}

}  // namespace myct::registry
