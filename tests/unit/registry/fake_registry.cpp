#include "fake_registry.hpp"

#include "digest.hpp"
#include "myct/base/error.hpp"
#include "myct/base/units.hpp"

namespace myct::registry {
namespace {

constexpr std::string_view kBlobs = "/v2/app/blobs/";
constexpr std::string_view kUploads = "/v2/app/blobs/uploads/";
constexpr std::string_view kManifests = "/v2/app/manifests/";

/// The value of a parameter in the query of `target`, its ":" decoded; "" without it.
std::string parameter(const std::string& target, const std::string& name) {
  const size_t start = target.find(name + "=");
  if (start == std::string::npos) return {};
  std::string value = target.substr(start + name.size() + 1);
  value = value.substr(0, value.find('&'));
  if (const size_t colon = value.find("%3A"); colon != std::string::npos)
    value = value.substr(0, colon) + ":" + value.substr(colon + 3);
  return value;
}

}  // namespace

FakeRegistry::FakeRegistry(Misbehaviour misbehave)
    : misbehave_(std::move(misbehave)),
      server_([this](const FakeRequest& request, FakeReply& reply) { handle(request, reply); }) {}

oci::Descriptor FakeRegistry::add_blob(const std::string& bytes) {
  const std::lock_guard lock(mutex_);
  const std::string digest = digest_of(bytes);
  blobs_[digest] = bytes;
  return {.media_type = "application/vnd.oci.image.layer.v1.tar+gzip", .digest = digest, .size = bytes.size()};
}

std::string FakeRegistry::add_manifest(const std::string& tag, const std::string& bytes,
                                       const std::string& media_type) {
  const std::lock_guard lock(mutex_);
  const std::string digest = digest_of(bytes);
  manifests_[tag] = manifests_[digest] = {.bytes = bytes, .media_type = media_type};
  return digest;
}

std::string FakeRegistry::blob(const std::string& digest) const {
  const std::lock_guard lock(mutex_);
  const auto found = blobs_.find(digest);
  return found == blobs_.end() ? "" : found->second;
}

std::string FakeRegistry::manifest(const std::string& target) const {
  const std::lock_guard lock(mutex_);
  const auto found = manifests_.find(target);
  return found == manifests_.end() ? "" : found->second.bytes;
}

void FakeRegistry::handle(const FakeRequest& request, FakeReply& reply) {
  if (misbehave_ && misbehave_(request, reply)) return;
  const std::string path = request.path();
  if (path.starts_with(kUploads)) return take_upload(request, reply);
  if (path.starts_with(kBlobs)) return serve_blob(request, reply, path.substr(kBlobs.size()));
  if (path.starts_with(kManifests)) return serve_manifest(request, reply, path.substr(kManifests.size()));
  reply.answer(path == "/v2/" ? 200 : 404, "{}");
}

void FakeRegistry::serve_blob(const FakeRequest& request, FakeReply& reply, const std::string& digest) const {
  const std::string bytes = blob(digest);
  if (bytes.empty()) return reply.answer(404, R"({"errors":[{"code":"BLOB_UNKNOWN","message":"blob unknown"}]})");
  const std::string range = request.header("range");
  if (range.empty()) return reply.answer(200, bytes);
  const uint64_t start = parse_unsigned(range.substr(6, range.size() - 7)).value_or(0);
  reply.answer(206, std::string_view(bytes).substr(start),
               {{"Content-Range", fmt::format("bytes {}-{}/{}", start, bytes.size() - 1, bytes.size())}});
}

void FakeRegistry::serve_manifest(const FakeRequest& request, FakeReply& reply, const std::string& target) {
  if (request.method == "PUT") {
    const std::string digest = add_manifest(target, request.body, request.header("content-type"));
    return reply.answer(201, "", {{"Docker-Content-Digest", digest}});
  }
  std::unique_lock lock(mutex_);
  const auto found = manifests_.find(target);
  if (found == manifests_.end()) {
    lock.unlock();
    return reply.answer(404, R"({"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]})");
  }
  const Manifest manifest = found->second;
  lock.unlock();
  reply.answer(200, manifest.bytes,
               {{"Content-Type", manifest.media_type}, {"Docker-Content-Digest", digest_of(manifest.bytes)}});
}

void FakeRegistry::take_upload(const FakeRequest& request, FakeReply& reply) {
  if (request.method == "POST") {
    if (const std::string mount = parameter(request.target, "mount"); !mount.empty() && !blob(mount).empty())
      return reply.answer(201, "", {{"Location", std::string(kBlobs) + mount}});
    return reply.answer(202, "", {{"Location", std::string(kUploads) + "session?_state=xyz"}});
  }
  const std::string digest = parameter(request.target, "digest");
  if (digest_of(request.body) != digest)
    return reply.answer(400, R"({"errors":[{"code":"DIGEST_INVALID","message":"digest invalid"}]})");
  add_blob(request.body);
  reply.answer(201, "", {{"Location", std::string(kBlobs) + digest}});
}

ClientOptions quick_options() {
  using std::chrono::milliseconds;
  return {.credential_files = {},
          .certificate_roots = {},
          .retries = {.attempts = 4,
                      .first_wait = milliseconds(1),
                      .longest_wait = milliseconds(5),
                      .longest_asked_for = milliseconds(3000)}};
}

std::string manifest_text(const oci::Descriptor& config, const oci::Descriptor& layer) {
  return fmt::format(R"({{"schemaVersion":2,"mediaType":"{}","config":{{"mediaType":"{}","digest":"{}","size":{}}},)"
                     R"("layers":[{{"mediaType":"{}","digest":"{}","size":{}}}]}})",
                     oci::kMediaTypeManifest, oci::kMediaTypeConfig, config.digest, config.size, layer.media_type,
                     layer.digest, layer.size);
}

std::string noise(size_t size) {
  std::string bytes(size, '\0');
  uint32_t state = 12345;
  for (char& byte : bytes) {
    state = state * 1664525 + 1013904223;
    byte = static_cast<char>(state >> 24);
  }
  return bytes;
}

}  // namespace myct::registry
