// The options that say which names a container knows and whom it asks for others.
#pragma once

#include <string>
#include <vector>

#include "command.hpp"
#include "myct/manager/request.hpp"

namespace myct::cli {

/// Their words as CLI11 collects them.
struct NameFlags {
  std::vector<std::string> dns;
  std::vector<std::string> dns_search;
  std::vector<std::string> dns_options;
  std::vector<std::string> add_host;
};

void add_name_options(CLI::App& command, NameFlags& flags);
/// `request.network` is known. Throws Error{Usage}.
void apply_name_flags(const NameFlags& flags, manager::RunRequest& request);

// --- pure; each throws Error{Usage} ----------------------------------------------------------------------------------
/// --dns: an IPv4 or IPv6 address.
[[nodiscard]] std::string parse_dns(const std::string& text);
/// --dns-search: a domain, or "." for none.
[[nodiscard]] std::string parse_dns_search(const std::string& text);
/// --add-host NAME:ADDRESS, NAME=ADDRESS, with an IPv6 address in brackets or not, or with host-gateway as address; as
/// "name:address".
[[nodiscard]] std::string parse_extra_host(const std::string& text);

}  // namespace myct::cli
