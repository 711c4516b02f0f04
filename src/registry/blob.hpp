// Fetching one blob, however often the connection is cut.
#pragma once

#include <optional>
#include <string>

#include "session.hpp"

namespace myct::registry {

class BlobFetch {
 public:
  BlobFetch(Session& session, Repository repository, const oci::Descriptor& blob, const BlobSink& sink,
            const Progress& progress);

  /// Fetches what is still missing from `endpoint`; another may have brought the beginning. Throws Error.
  void fetch_from(const Endpoint& endpoint);
  /// Throws Error{Invalid} when the bytes are not those of the digest.
  void verify();

 private:
  Response attempt(const Endpoint& endpoint, Backoff& backoff);
  void begin(const Response& response);
  void receive(const Response& response, Bytes bytes, Backoff& backoff);

  Session& session_;
  Repository repository_;
  const oci::Descriptor& blob_;
  const BlobSink& sink_;
  const Progress& progress_;
  std::string what_;
  DigestCheck check_;
  uint64_t offset_ = 0;                   ///< of the blob's bytes that the sink has had
  uint64_t worth_trying_from_ = 0;        ///< progress beyond it makes up for a failure
  std::optional<uint64_t> to_pass_over_;  ///< of this answer's bytes, which the sink has had; nullopt before the first
  bool has_ranges_ = true;
};

}  // namespace myct::registry
