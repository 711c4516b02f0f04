// Which addresses of a network are taken, without anybody who keeps count: a taken address is a symbolic link of its
// name to the container's id, and symlink(2) lets one of many win. A cursor, which is only a hint, moves on with each
// claim, so that a freed address comes into use late, and a claim costs the same however many are taken. Where it has
// come round to many that are taken, the directory is read once, to go on behind them.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>

#include "address.hpp"

namespace myct::network {

class AddressPool {
 public:
  /// `directory` is the network's, under the runtime directory; made when it is missing.
  AddressPool(std::string directory, AddressPlan plan);

  /// A free address, which is now `container_id`'s. `before` is told of each that is tried, before it is. Throws
  /// Error{Conflict} when there is none.
  [[nodiscard]] Address claim(const std::string& container_id, const std::function<void(const Address&)>& before) const;
  /// That very address. Throws Error{Usage} when it is none of the subnet's hosts, Error{Conflict} naming the container
  /// that has it.
  void claim_this(const Address& address, const std::string& container_id,
                  const std::function<void(const Address&)>& before) const;

 private:
  [[nodiscard]] bool is_usable(const Address& address) const noexcept;
  [[nodiscard]] Address next_after(Address address) const noexcept;
  [[nodiscard]] std::string cursor_path() const;
  [[nodiscard]] Address read_cursor() const;
  void write_cursor(const Address& address) const;
  [[nodiscard]] std::string path_of(const Address& address) const;
  [[nodiscard]] std::set<Number> list_taken() const;
  [[nodiscard]] bool try_claim(const Address& address, const std::string& container_id,
                               const std::function<void(const Address&)>& before) const;

  std::string directory_;
  AddressPlan plan_;
};

/// Whether any address of the network of that directory is taken. Throws Error.
[[nodiscard]] bool has_claims(const std::string& directory);
/// Whether `address` is `container_id`'s on the network of that directory by now: a note that names it may be of one
/// that only tries.
[[nodiscard]] bool is_claimed(const std::string& directory, const std::string& address,
                              const std::string& container_id);
/// Lets go of it if it is `container_id`'s. Idempotent.
void release_address(const std::string& directory, const std::string& address, const std::string& container_id);

}  // namespace myct::network
