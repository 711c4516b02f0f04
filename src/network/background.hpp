// What processes of ours that stand beside containers have in common: name servers and relays.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace myct::network {

/// After a fork: executes this program anew, called by the first of the arguments, with no descriptors but the standard
/// ones and these, and without an environment. Does not return.
[[noreturn]] void execute_anew(std::vector<std::string> arguments, std::span<const int> descriptors) noexcept;

/// Lets this process, and those that it starts, open so many descriptors, as far as the user lets it. A lower limit of
/// the user's stays where that is enough.
void allow_descriptors(size_t count) noexcept;

/// A word of the command line, "key=value"; without "=" the value is empty.
struct Argument {
  std::string_view key;
  std::string_view value;
};
[[nodiscard]] Argument split_argument(std::string_view word) noexcept;

/// Nothing of the starter's terminal, signals and streams, and not its place in the file system. Throws Error.
void leave_the_user(const char* process_name);

/// They read what strangers send: from here on root's name is all that is left of root. `kept` is a mask of
/// capabilities below 32. Throws Error.
void drop_privileges(uint32_t kept);

}  // namespace myct::network
