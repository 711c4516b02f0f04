#include "addresses.hpp"

#include <fcntl.h>
#include <unistd.h>

#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/base/units.hpp"

namespace myct::network {
namespace {

constexpr const char* kAddresses = "/addresses";
/// How many in a row are tried before it is looked which are taken.
constexpr int kTries = 4;

std::string path_of_claim(const std::string& directory, const std::string& address) {
  return directory + kAddresses + "/" + address;
}

}  // namespace

AddressPool::AddressPool(std::string directory, AddressPlan plan) : directory_(std::move(directory)), plan_(plan) {
  make_directories(directory_ + kAddresses);
}

bool AddressPool::is_usable(const Address& address) const noexcept {
  return plan_.subnet.is_host(address) && address != plan_.gateway;
}

Address AddressPool::next_after(Address address) const noexcept {
  // Three at most are none that a container can have: the first, the last and the host's own.
  constexpr int kUnusable = 3;
  for (int tries = 0; tries <= kUnusable; ++tries) {
    address = plan_.range.contains(address.next()) ? address.next() : plan_.range.base;
    if (is_usable(address)) break;
  }
  return address;
}

std::string AddressPool::cursor_path() const {
  return directory_ + (plan_.subnet.family() == Family::Inet ? "/last" : "/last6");
}

Address AddressPool::read_cursor() const {
  const std::optional<Address> last = parse_address(try_read_file(cursor_path()).value_or(""));
  return last && plan_.range.contains(*last) ? *last : plan_.range.last();
}

void AddressPool::write_cursor(const Address& address) const {
  // Half a write of two processes at once is no address, and then the search begins anew: only a hint.
  write_file_at(FdRef(AT_FDCWD), cursor_path(), to_text(address));
}

std::string AddressPool::path_of(const Address& address) const { return path_of_claim(directory_, to_text(address)); }

std::set<Number> AddressPool::list_taken() const {
  std::set<Number> taken;
  for (const std::string& name : list_directory(directory_ + kAddresses, Hidden::LeaveOut))
    if (const std::optional<Address> address = parse_address(name); address && address->family == plan_.subnet.family())
      taken.insert(address->value);
  return taken;
}

bool AddressPool::try_claim(const Address& address, const std::string& container_id,
                            const std::function<void(const Address&)>& before) const {
  before(address);
  if (::symlink(container_id.c_str(), path_of(address).c_str()) == 0) {
    write_cursor(address);
    return true;
  }
  if (errno != EEXIST) throw_errno("claim the address {} in '{}'", to_text(address), directory_);
  return false;
}

Address AddressPool::claim(const std::string& container_id, const std::function<void(const Address&)>& before) const {
  const Address first = next_after(read_cursor());
  std::optional<std::set<Number>> taken;
  int tries = 0;
  Address address = first;
  bool is_left = is_usable(first);
  while (is_left) {
    if (!taken && tries == kTries) taken = list_taken();
    // What was free a moment ago may be taken, and another's given back: that one comes later.
    if (!taken || !taken->contains(address.value)) {
      ++tries;
      if (try_claim(address, container_id, before)) return address;
    }
    address = next_after(address);
    is_left = address != first;
  }
  throw Error(ErrorKind::Conflict, fmt::format("every address of {} is taken", to_text(plan_.range)), 0,
              "stop containers, or see 'myct system check'");
}

void AddressPool::claim_this(const Address& address, const std::string& container_id,
                             const std::function<void(const Address&)>& before) const {
  if (!is_usable(address))
    throw_error(ErrorKind::Usage, "address {} is none that a container can have in {}", to_text(address),
                to_text(plan_.subnet));
  before(address);
  if (::symlink(container_id.c_str(), path_of(address).c_str()) == 0) return;
  if (errno != EEXIST) throw_errno("claim the address {} in '{}'", to_text(address), directory_);
  const std::string holder = try_read_link(path_of(address)).value_or("");
  throw_error(ErrorKind::Conflict, "address {} is taken by container {}", to_text(address), short_id(holder));
}

bool has_claims(const std::string& directory) {
  return !list_directory(directory + kAddresses, Hidden::LeaveOut).empty();
}

bool is_claimed(const std::string& directory, const std::string& address, const std::string& container_id) {
  return try_read_link(path_of_claim(directory, address)) == container_id;
}

void release_address(const std::string& directory, const std::string& address, const std::string& container_id) {
  if (is_claimed(directory, address, container_id)) remove_file(path_of_claim(directory, address));
}

}  // namespace myct::network
