#include "user.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/base/units.hpp"

namespace myct::manager {
namespace {

constexpr uint64_t kLargestId = 0x7fffffff;
constexpr off_t kLargestDatabase = 16 << 20;

/// Splits off what comes before `separator`; `text` keeps the rest.
std::string_view take_field(std::string_view& text, char separator) {
  const size_t end = text.find(separator);
  const std::string_view field = text.substr(0, end);
  text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  return field;
}

struct PasswdEntry {
  std::string_view name;
  uint32_t uid = 0;
  uint32_t gid = 0;
  std::string_view home;
};

struct GroupEntry {
  std::string_view name;
  uint32_t gid = 0;
  std::string_view members;
};

std::optional<uint32_t> parse_id(std::string_view text) {
  const std::optional<uint64_t> id = parse_unsigned(text);
  if (!id || *id > kLargestId) return std::nullopt;
  return static_cast<uint32_t>(*id);
}

/// passwd(5): name:password:uid:gid:comment:home:shell. Malformed lines are skipped, as getpwnam(3) does.
std::optional<PasswdEntry> parse_passwd_line(std::string_view line) {
  PasswdEntry entry;
  entry.name = take_field(line, ':');
  take_field(line, ':');
  const std::optional<uint32_t> uid = parse_id(take_field(line, ':'));
  const std::optional<uint32_t> gid = parse_id(take_field(line, ':'));
  take_field(line, ':');
  entry.home = take_field(line, ':');
  if (entry.name.empty() || !uid || !gid) return std::nullopt;
  entry.uid = *uid;
  entry.gid = *gid;
  return entry;
}

/// group(5): name:password:gid:members.
std::optional<GroupEntry> parse_group_line(std::string_view line) {
  GroupEntry entry;
  entry.name = take_field(line, ':');
  take_field(line, ':');
  const std::optional<uint32_t> gid = parse_id(take_field(line, ':'));
  entry.members = line;
  if (entry.name.empty() || !gid) return std::nullopt;
  entry.gid = *gid;
  return entry;
}

template <typename Matches>
std::optional<PasswdEntry> find_passwd(std::string_view passwd, Matches matches) {
  while (!passwd.empty()) {
    const std::optional<PasswdEntry> entry = parse_passwd_line(take_field(passwd, '\n'));
    if (entry && matches(*entry)) return entry;
  }
  return std::nullopt;
}

bool has_member(std::string_view members, std::string_view user) {
  while (!members.empty())
    if (take_field(members, ',') == user) return true;
  return false;
}

uint32_t find_group(std::string_view wanted, std::string_view group) {
  if (const std::optional<uint32_t> gid = parse_id(wanted)) return *gid;
  while (!group.empty()) {
    const std::optional<GroupEntry> entry = parse_group_line(take_field(group, '\n'));
    if (entry && entry->name == wanted) return entry->gid;
  }
  throw_error(ErrorKind::Invalid, "unable to find group '{}': no such name in the image's /etc/group", wanted);
}

void add_own_groups(ResolvedUser& resolved, std::string_view name, std::string_view group) {
  while (!group.empty()) {
    const std::optional<GroupEntry> entry = parse_group_line(take_field(group, '\n'));
    if (!entry || !has_member(entry->members, name)) continue;
    if (std::find(resolved.groups.begin(), resolved.groups.end(), entry->gid) == resolved.groups.end())
      resolved.groups.push_back(entry->gid);
  }
}

}  // namespace

ResolvedUser resolve_user(std::string_view user, std::string_view passwd, std::string_view group) {
  const std::string_view whole = user.empty() ? "0" : user;
  std::string_view group_part = whole;
  const std::string_view user_part = take_field(group_part, ':');
  const std::optional<uint32_t> uid = parse_id(user_part.empty() ? "0" : user_part);
  const std::optional<PasswdEntry> entry = find_passwd(
      passwd, [&](const PasswdEntry& candidate) { return uid ? candidate.uid == *uid : candidate.name == user_part; });
  if (!uid && !entry) {
    if (parse_signed(user_part))
      throw_error(ErrorKind::Invalid, "user id '{}' is not between 0 and {}", user_part, kLargestId);
    throw_error(ErrorKind::Invalid, "unable to find user '{}': no such name in the image's /etc/passwd", user_part);
  }
  ResolvedUser resolved;
  resolved.uid = entry ? entry->uid : *uid;
  if (entry) {
    resolved.gid = entry->gid;
    if (!entry->home.empty()) resolved.home = entry->home;
  }
  if (!group_part.empty()) resolved.gid = find_group(group_part, group);
  resolved.groups.push_back(resolved.gid);
  if (group_part.empty() && entry) add_own_groups(resolved, entry->name, group);
  return resolved;
}

std::string read_from_image(FdRef root, const std::string& path) {
  // Looked at before it is opened: an image may have a device or a pipe there, or a file without an end.
  const std::optional<Fd> place = try_open_in_root(root, path, O_PATH);
  if (!place) return {};
  struct stat status {};
  if (::fstat(place->get(), &status) == -1) throw_errno("inspect '{}' of the image", path);
  if (!S_ISREG(status.st_mode) || status.st_size > kLargestDatabase)
    throw_error(ErrorKind::Invalid, "'{}' of the image is not a file of at most {} bytes", path, kLargestDatabase);
  return read_file(fmt::format("/proc/self/fd/{}", place->get()));
}

}  // namespace myct::manager
