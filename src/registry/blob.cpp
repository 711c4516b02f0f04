#include "blob.hpp"

#include "myct/base/units.hpp"

namespace myct::registry {
namespace {

constexpr int kPartialContent = 206;
constexpr int kRangeNotSatisfiable = 416;
/// Who gives less between two cuts would keep us for ever.
constexpr uint64_t kLeastProgress = 256 << 10;

/// 100 of "bytes 100-199/200".
std::optional<uint64_t> range_start(std::string_view header) {
  constexpr std::string_view kUnit = "bytes ";
  if (!header.starts_with(kUnit)) return std::nullopt;
  header.remove_prefix(kUnit.size());
  return parse_unsigned(header.substr(0, header.find('-')));
}

}  // namespace

BlobFetch::BlobFetch(Session& session, Repository repository, const oci::Descriptor& blob, const BlobSink& sink,
                     const Progress& progress)
    : session_(session),
      repository_(std::move(repository)),
      blob_(blob),
      sink_(sink),
      progress_(progress),
      what_(fmt::format("fetch {} of '{}'", blob.digest, repository_.familiar())),
      check_(blob.digest) {}

void BlobFetch::fetch_from(const Endpoint& endpoint) {
  has_ranges_ = true;
  const Response response = session_.send_patiently([&](Backoff& backoff) { return attempt(endpoint, backoff); });
  if (!response.succeeded()) throw_answer(response, endpoint, what_);
}

Response BlobFetch::attempt(const Endpoint& endpoint, Backoff& backoff) {
  to_pass_over_.reset();
  Call call{.request = {},
            .path = repository_.path + "/blobs/" + blob_.digest,
            .scopes = {"repository:" + repository_.path + ":pull"},
            .what = what_};
  if (offset_ > 0 && has_ranges_) call.request.headers.push_back(fmt::format("Range: bytes={}-", offset_));
  call.request.receive = [&](const Response& response, Bytes bytes) { receive(response, bytes, backoff); };
  Response response = session_.send(endpoint, call);
  if (response.status == kRangeNotSatisfiable && has_ranges_) {
    has_ranges_ = false;
    return attempt(endpoint, backoff);
  }
  if (response.succeeded() && offset_ < blob_.size)
    throw TransferError(TransferFailure::Cut,
                        fmt::format("{}: it ended after {} of {} bytes", what_, offset_, blob_.size), {});
  return response;
}

void BlobFetch::begin(const Response& response) {
  to_pass_over_ = offset_;
  if (response.status == kPartialContent) {
    if (range_start(response.header("content-range")) != offset_)
      throw_error(ErrorKind::Invalid, "{}: the registry sent another part than was asked for", what_);
    to_pass_over_ = 0;
    return;
  }
  const auto length = parse_unsigned(response.header("content-length"));
  if (length && *length != blob_.size)
    throw_error(ErrorKind::Invalid, "{}: the registry has {} bytes, and the manifest says {}", what_, *length,
                blob_.size);
}

void BlobFetch::receive(const Response& response, Bytes bytes, Backoff& backoff) {
  if (!to_pass_over_) begin(response);
  const uint64_t known = std::min<uint64_t>(*to_pass_over_, bytes.size());
  *to_pass_over_ -= known;
  bytes = bytes.subspan(known);
  if (bytes.empty()) return;
  if (bytes.size() > blob_.size - offset_)
    throw_error(ErrorKind::Invalid, "{}: the registry sends more than the {} bytes that the manifest says", what_,
                blob_.size);
  check_.update(bytes);
  sink_(bytes);
  offset_ += bytes.size();
  if (progress_) progress_(offset_, blob_.size);
  if (offset_ < worth_trying_from_) return;
  backoff.start_over();
  worth_trying_from_ = offset_ + kLeastProgress;
}

void BlobFetch::verify() { check_.verify(what_); }

}  // namespace myct::registry
