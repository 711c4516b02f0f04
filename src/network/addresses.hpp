// Which addresses of a network are taken, without anybody who keeps count: a taken address is a symbolic link of its
// name to the container's id, and symlink(2) lets one of many win. A cursor, which is only a hint, moves on with each
// claim, so that a freed address comes into use late, and a claim costs the same however many are taken.
#pragma once

#include <functional>
#include <string>

#include "address.hpp"

namespace myct::network {

class AddressPool {
 public:
  /// `directory` is the network's, under the runtime directory; made when it is missing. `range` is where addresses are
  /// taken from, in the subnet or all of it.
  AddressPool(std::string directory, Subnet subnet, Subnet range, Ipv4 gateway);

  /// A free address, which is now `container_id`'s. `before` is told of each that is tried, before it is. Throws
  /// Error{Conflict} when there is none.
  [[nodiscard]] Ipv4 claim(const std::string& container_id, const std::function<void(Ipv4)>& before) const;
  /// That very address. Throws Error{Usage} when it is none of the subnet's hosts, Error{Conflict} naming the container
  /// that has it.
  void claim_this(Ipv4 address, const std::string& container_id, const std::function<void(Ipv4)>& before) const;
  /// Whether it is `container_id`'s by now: a note that names it may be of one that only tries.
  [[nodiscard]] bool is_claimed(Ipv4 address, const std::string& container_id) const;
  /// Lets go of it if it is `container_id`'s. Idempotent.
  void release(Ipv4 address, const std::string& container_id) const;

 private:
  [[nodiscard]] bool is_usable(Ipv4 address) const noexcept;
  [[nodiscard]] Ipv4 next_after(Ipv4 address) const noexcept;
  [[nodiscard]] Ipv4 read_cursor() const;
  void write_cursor(Ipv4 address) const;
  [[nodiscard]] std::string path_of(Ipv4 address) const;

  std::string directory_;
  Subnet subnet_;
  Subnet range_;
  Ipv4 gateway_;
};

}  // namespace myct::network
