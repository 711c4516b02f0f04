#include "addresses.hpp"

#include <fcntl.h>
#include <unistd.h>

#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/base/units.hpp"

namespace myct::network {
namespace {

constexpr const char* kCursor = "/last";
constexpr const char* kAddresses = "/addresses";

}  // namespace

AddressPool::AddressPool(std::string directory, Subnet subnet, Subnet range, Ipv4 gateway)
    : directory_(std::move(directory)), subnet_(subnet), range_(range), gateway_(gateway) {
  make_directories(directory_ + kAddresses);
}

bool AddressPool::is_usable(Ipv4 address) const noexcept {
  // The first address is the network's own name, and the last one everybody's.
  return subnet_.contains(address) && address != subnet_.base && address != subnet_.broadcast() && address != gateway_;
}

Ipv4 AddressPool::next_after(Ipv4 address) const noexcept {
  for (uint64_t tries = 0; tries <= uint64_t{range_.broadcast().value} - range_.base.value; ++tries) {
    ++address.value;
    if (!range_.contains(address)) address = range_.base;
    if (is_usable(address)) break;
  }
  return address;
}

Ipv4 AddressPool::read_cursor() const {
  const std::optional<Ipv4> last = parse_ipv4(try_read_file(directory_ + kCursor).value_or(""));
  return last && range_.contains(*last) ? *last : Ipv4{range_.base.value - 1};
}

void AddressPool::write_cursor(Ipv4 address) const {
  // Half a write of two processes at once is no address, and then the search begins anew: only a hint.
  write_file_at(FdRef(AT_FDCWD), directory_ + kCursor, to_text(address));
}

std::string AddressPool::path_of(Ipv4 address) const { return directory_ + kAddresses + "/" + to_text(address); }

Ipv4 AddressPool::claim(const std::string& container_id, const std::function<void(Ipv4)>& before) const {
  const Ipv4 first = next_after(read_cursor());
  Ipv4 address = first;
  bool is_left = is_usable(first);
  while (is_left) {
    before(address);
    if (::symlink(container_id.c_str(), path_of(address).c_str()) == 0) {
      write_cursor(address);
      return address;
    }
    if (errno != EEXIST) throw_errno("claim the address {} in '{}'", to_text(address), directory_);
    address = next_after(address);
    is_left = address != first;
  }
  throw Error(ErrorKind::Conflict, fmt::format("every address of {} is taken", to_text(range_)), 0,
              "stop containers, or see 'myct system check'");
}

void AddressPool::claim_this(Ipv4 address, const std::string& container_id,
                             const std::function<void(Ipv4)>& before) const {
  if (!is_usable(address))
    throw_error(ErrorKind::Usage, "address {} is none that a container can have in {}", to_text(address),
                to_text(subnet_));
  before(address);
  if (::symlink(container_id.c_str(), path_of(address).c_str()) == 0) return;
  if (errno != EEXIST) throw_errno("claim the address {} in '{}'", to_text(address), directory_);
  const std::string holder = try_read_link(path_of(address)).value_or("");
  throw_error(ErrorKind::Conflict, "address {} is taken by container {}", to_text(address), short_id(holder));
}

bool AddressPool::is_claimed(Ipv4 address, const std::string& container_id) const {
  return try_read_link(path_of(address)) == container_id;
}

void AddressPool::release(Ipv4 address, const std::string& container_id) const {
  if (is_claimed(address, container_id)) remove_file(path_of(address));
}

}  // namespace myct::network
