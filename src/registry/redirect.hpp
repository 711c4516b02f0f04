// Requests that follow redirects.
#pragma once

#include "transfer.hpp"

namespace myct::registry {

/// Whether a secure connection may lead to an insecure one.
enum class Downgrade : uint8_t { No, Yes };

/// As Transport::perform(), on to where the answer is. The Authorization header and the client's certificate are for
/// the first host only. Throws Error{Invalid} for redirects that lead nowhere.
Response perform_following(Transport& transport, Request request, TlsSettings tls, Downgrade downgrade);

}  // namespace myct::registry
