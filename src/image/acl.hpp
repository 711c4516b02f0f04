// POSIX access control lists in the kernel's own form (acl(5), linux/posix_acl_xattr.h).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace myct::image {

enum class AclTag : uint16_t { UserObj = 0x01, User = 0x02, GroupObj = 0x04, Group = 0x08, Mask = 0x10, Other = 0x20 };

struct AclEntry {
  AclTag tag = AclTag::Other;
  uint16_t permissions = 0;  ///< r 4, w 2, x 1
  uint32_t id = 0;           ///< of User and Group
  std::string name;          ///< of User and Group whose archive names no number
};

using Acl = std::vector<AclEntry>;

inline constexpr const char* kAccessAclXattr = "system.posix_acl_access";
inline constexpr const char* kDefaultAclXattr = "system.posix_acl_default";

/// The value of the extended attribute. Entries are put in the order that the kernel wants; a missing mask is made
/// from the entries that it would limit, as acl_calc_mask(3) does.
[[nodiscard]] std::string encode_acl(Acl acl);

/// The number that `name` has in the text of a passwd or group file, for entries whose archive gives none.
[[nodiscard]] bool find_id(std::string_view database, std::string_view name, uint32_t& id);

}  // namespace myct::image
