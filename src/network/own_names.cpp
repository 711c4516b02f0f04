#include "own_names.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace myct::network {
namespace {

/// The address as it is in an answer; nothing if it is of the other family.
void append_address(std::vector<dns::Record>& records, const std::string& text, uint16_t type) {
  const std::optional<Address> address = parse_address(text);
  if (!address) return;
  const dns::Type own = address->family == Family::Inet ? dns::Type::A : dns::Type::Aaaa;
  if (type == static_cast<uint16_t>(own)) records.push_back({to_wire(*address)});
}

/// Another first one each time, as clients take the first: each container of a name gets its share.
void rotate(std::vector<dns::Record>& records) {
  static size_t turn = 0;
  if (records.size() < 2) return;
  std::rotate(records.begin(), records.begin() + static_cast<ptrdiff_t>(turn++ % records.size()), records.end());
}

}  // namespace

OwnNames::OwnNames(const std::string& network, const std::string& directory, std::vector<Subnet> ranges)
    : suffix_(fmt::format(".{}", normalize_name(network).value_or(""))),
      table_(directory),
      ranges_(std::move(ranges)) {}

std::vector<std::string> OwnNames::addresses_of(const std::string& name) const {
  std::vector<std::string> addresses = table_.find(name);
  if (addresses.empty() && suffix_.size() > 1 && name.ends_with(suffix_))
    addresses = table_.find(std::string_view(name).substr(0, name.size() - suffix_.size()));
  return addresses;
}

std::optional<OwnAnswer> OwnNames::find_pointer(const std::string& address, const dns::Query& query) const {
  const std::optional<Address> parsed = parse_address(address);
  const auto has_it = [&](const Subnet& range) { return parsed && range.contains(*parsed); };
  if (std::none_of(ranges_.begin(), ranges_.end(), has_it)) return std::nullopt;
  const std::optional<std::string> name = table_.name_of(address);
  // Nobody outside knows an address of ours.
  if (!name) return OwnAnswer{.rcode = dns::Rcode::NxDomain, .records = {}};
  OwnAnswer answer;
  if (query.type == static_cast<uint16_t>(dns::Type::Ptr))
    answer.records.push_back(dns::record_of_name(normalize_name(*name + suffix_).value_or(*name)));
  return answer;
}

std::optional<OwnAnswer> OwnNames::find(const dns::Query& query) const {
  if (query.class_ != dns::kInternet || query.name.empty()) return std::nullopt;
  if (const std::optional<std::string> address = dns::address_of_pointer(query.name))
    return find_pointer(*address, query);
  const std::vector<std::string> addresses = addresses_of(query.name);
  if (addresses.empty()) return std::nullopt;
  OwnAnswer answer;
  for (const std::string& address : addresses) append_address(answer.records, address, query.type);
  rotate(answer.records);
  return answer;
}

}  // namespace myct::network
