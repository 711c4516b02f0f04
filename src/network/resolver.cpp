#include "myct/network/resolver.hpp"

#include <fmt/core.h>

namespace myct::network {

std::string build_hosts(std::string_view address, std::string_view hostname) {
  std::string text =
      "127.0.0.1\tlocalhost\n"
      "::1\tlocalhost ip6-localhost ip6-loopback\n"
      "fe00::\tip6-localnet\n"
      "ff00::\tip6-mcastprefix\n"
      "ff02::1\tip6-allnodes\n"
      "ff02::2\tip6-allrouters\n";
  if (!address.empty()) text += fmt::format("{}\t{}\n", address, hostname);
  return text;
}

}  // namespace myct::network
