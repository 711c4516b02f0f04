// Which names a network knows, without anybody who keeps a list: a directory for each name, and in it a symbolic link
// for each address that has it.
//
//   names/NAME/ADDRESS  -> the container's id
//   pointers/ADDRESS    -> the name that the address is called by
//
// A look-up opens one directory, with ten names or ten thousand, and sees a change as soon as it is made. An entry
// counts only as long as the same container has the address (addresses/ADDRESS): what a kill has left says nothing.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace myct::network {

/// In lower case, as names are kept and looked for; nullopt for what cannot be a name: letters, digits, '_', '-' and
/// '.', at most 253 of them, labels of 1 to 63.
[[nodiscard]] std::optional<std::string> normalize_name(std::string_view name);

class NameTable {
 public:
  /// `directory` is the network's, under the runtime directory.
  explicit NameTable(std::string directory);

  /// Gives an address that `container_id` has claimed its names; it is called by the first of them. Idempotent, and
  /// names may be added to those that are there. Throws Error, Error{Usage} for what cannot be a name.
  void add(const std::string& address, const std::string& container_id, std::span<const std::string> names) const;
  /// Takes these names from it, before the claim to the address is given up. Idempotent. Throws Error.
  void remove(const std::string& address, const std::string& container_id, std::span<const std::string> names) const;

  /// The addresses of a name, up to as many as an answer takes, in no order; empty: there is no such name.
  [[nodiscard]] std::vector<std::string> find(std::string_view name) const;
  /// What an address is called by.
  [[nodiscard]] std::optional<std::string> name_of(const std::string& address) const;
  /// The id of the container that has the address.
  [[nodiscard]] std::optional<std::string> holder_of(const std::string& address) const;

 private:
  std::string directory_;
};

}  // namespace myct::network
