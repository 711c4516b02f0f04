// The text of a container's /etc/hosts. Pure.
#pragma once

#include <string>
#include <string_view>

namespace myct::network {

/// hosts(5) with the names that every container has: localhost and its IPv6 companions, and, unless `address` is
/// empty, the container's own name.
[[nodiscard]] std::string build_hosts(std::string_view address, std::string_view hostname);

}  // namespace myct::network
