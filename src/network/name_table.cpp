#include "name_table.hpp"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <climits>

#include "myct/base/error.hpp"
#include "myct/base/file.hpp"

namespace myct::network {
namespace {

constexpr size_t kLongestName = 253;
constexpr size_t kLongestLabel = 63;
/// More would not fit into a message that takes no TCP connection, or help anybody.
constexpr size_t kMostAddresses = 64;

bool is_name_byte(char byte) {
  return (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte == '_' || byte == '-';
}

/// Makes the link lead to `target` whatever was there. Whoever has claimed the address is alone with its links.
void make_link(const std::string& target, const std::string& directory, const std::string& name) {
  const std::string path = directory + "/" + name;
  while (::symlink(target.c_str(), path.c_str()) == -1) {
    if (errno == ENOENT)
      make_directories(directory);  // or again: another address has just lost the name, and took the directory away
    else if (errno != EEXIST)
      throw_errno("make '{}'", path);
    else if (try_read_link(path) == target)
      return;
    else
      remove_file(path);
  }
}

/// What a user or a record calls it, in the form that it is kept in.
std::string checked(const std::string& name) {
  if (std::optional<std::string> normal = normalize_name(name)) return std::move(*normal);
  throw Error(ErrorKind::Usage, fmt::format("'{}' cannot be a name on a network", name), 0,
              "letters, digits, '_', '-' and '.' make one");
}

}  // namespace

std::optional<std::string> normalize_name(std::string_view name) {
  if (name.empty() || name.size() > kLongestName) return std::nullopt;
  std::string normal;
  size_t label = 0;
  for (char byte : name) {
    if (byte >= 'A' && byte <= 'Z') byte = static_cast<char>(byte - 'A' + 'a');
    if (byte == '.' ? label == 0 : !is_name_byte(byte)) return std::nullopt;
    label = byte == '.' ? 0 : label + 1;
    if (label > kLongestLabel) return std::nullopt;
    normal.push_back(byte);
  }
  if (label == 0) return std::nullopt;
  return normal;
}

NameTable::NameTable(std::string directory) : directory_(std::move(directory)) {}

void NameTable::add(const std::string& address, const std::string& container_id,
                    std::span<const std::string> names) const {
  for (const std::string& name : names) make_link(container_id, directory_ + "/names/" + checked(name), address);
  if (!names.empty() && name_of(address) == std::nullopt)
    make_link(checked(names.front()), directory_ + "/pointers", address);
}

void NameTable::remove(const std::string& address, const std::string& container_id,
                       std::span<const std::string> names) const {
  for (const std::string& word : names) {
    const std::optional<std::string> name = normalize_name(word);
    if (!name) continue;
    const std::string directory = directory_ + "/names/" + *name;
    const std::string path = directory + "/" + address;
    const std::optional<std::string> holder = try_read_link(path);
    if (holder && holder != container_id) continue;
    // The link last of what tells that it is ours, and what is empty without it: a kill in between is made up for here.
    const std::string pointer = directory_ + "/pointers/" + address;
    if (holder && try_read_link(pointer) == *name) remove_file(pointer);
    if (holder) remove_file(path);
    if (::rmdir(directory.c_str()) == -1 && errno != ENOTEMPTY && errno != EEXIST && errno != ENOENT)
      throw_errno("remove '{}'", directory);
  }
}

std::vector<std::string> NameTable::find(std::string_view name) const {
  std::vector<std::string> addresses;
  const std::optional<std::string> normal = normalize_name(name);
  if (!normal) return addresses;
  const std::string path = directory_ + "/names/" + *normal;
  const Directory stream(::opendir(path.c_str()));
  if (!stream) {
    if (errno == ENOENT || errno == ENAMETOOLONG) return addresses;
    throw_errno("read '{}'", path);
  }
  while (const dirent* entry = ::readdir(stream.get())) {
    if (entry->d_name[0] == '.') continue;
    std::string address = entry->d_name;
    const std::optional<std::string> holder = holder_of(address);
    if (!holder || try_read_link(path + "/" + address) != holder) continue;
    addresses.push_back(std::move(address));
    if (addresses.size() == kMostAddresses) break;
  }
  return addresses;
}

std::optional<std::string> NameTable::name_of(const std::string& address) const {
  const std::optional<std::string> name = try_read_link(directory_ + "/pointers/" + address);
  const std::optional<std::string> holder = holder_of(address);
  if (!name || !holder || try_read_link(directory_ + "/names/" + *name + "/" + address) != holder) return std::nullopt;
  return name;
}

std::optional<std::string> NameTable::holder_of(const std::string& address) const {
  return try_read_link(directory_ + "/addresses/" + address);
}

}  // namespace myct::network
