#include "acl.hpp"

#include <algorithm>
#include <tuple>

#include "myct/base/units.hpp"

namespace myct::image {
namespace {

constexpr uint32_t kXattrVersion = 2;
constexpr uint32_t kNoId = 0xffffffff;

void append_le(std::string& bytes, uint32_t value, int count) {
  for (int i = 0; i < count; ++i) bytes += static_cast<char>(value >> (8 * i) & 0xff);
}

bool has_id(AclTag tag) noexcept { return tag == AclTag::User || tag == AclTag::Group; }

}  // namespace

std::string encode_acl(Acl acl) {
  const bool named = std::ranges::any_of(acl, [](const AclEntry& entry) { return has_id(entry.tag); });
  const bool masked = std::ranges::any_of(acl, [](const AclEntry& entry) { return entry.tag == AclTag::Mask; });
  if (named && !masked) {
    AclEntry mask{.tag = AclTag::Mask, .permissions = 0, .id = 0, .name = {}};
    for (const AclEntry& entry : acl)
      if (has_id(entry.tag) || entry.tag == AclTag::GroupObj)
        mask.permissions = static_cast<uint16_t>(mask.permissions | entry.permissions);
    acl.push_back(std::move(mask));
  }
  std::ranges::sort(acl,
                    [](const AclEntry& a, const AclEntry& b) { return std::tie(a.tag, a.id) < std::tie(b.tag, b.id); });
  std::string bytes;
  append_le(bytes, kXattrVersion, 4);
  for (const AclEntry& entry : acl) {
    append_le(bytes, static_cast<uint32_t>(entry.tag), 2);
    append_le(bytes, entry.permissions, 2);
    append_le(bytes, has_id(entry.tag) ? entry.id : kNoId, 4);
  }
  return bytes;
}

bool find_id(std::string_view database, std::string_view name, uint32_t& id) {
  while (!database.empty()) {
    const size_t end = std::min(database.find('\n'), database.size());
    const std::string_view line = database.substr(0, end);
    database.remove_prefix(std::min(end + 1, database.size()));
    // name:password:number:…
    if (!line.starts_with(name) || line.size() <= name.size() || line[name.size()] != ':') continue;
    const size_t number = line.find(':', name.size() + 1);
    if (number == std::string_view::npos) continue;
    const std::string_view text = line.substr(number + 1, line.find(':', number + 1) - number - 1);
    const std::optional<uint64_t> value = parse_unsigned(text);
    if (!value || *value >= kNoId) continue;
    id = static_cast<uint32_t>(*value);
    return true;
  }
  return false;
}

}  // namespace myct::image
