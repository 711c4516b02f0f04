// The sign of life of a network's name server: the file `server` in the network's directory, locked as long as the
// server lives, which the kernel sees to. It says who serves, and how.
//
//   starter                                     server
//   claims an address of the network            is told that an address was given up, and sees none
//   looks: is the sign there and locked?        takes the network's lock
//     yes: done                                 takes the sign away
//   takes the network's lock                    looks again: an address?
//   looks again; starts one, and waits for it     yes: puts the sign back, and goes on
//                                                 no: ends, and so lets go of the lock
//
// Who finds the sign has claimed its address before it was taken away, and is seen by the second look.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "myct/network/name_server.hpp"
#include "rules.hpp"

namespace myct::network {

/// Where questions to port 53 of an address go, when another program has that port.
struct Detour {
  std::string address;
  uint16_t port = 0;
};

struct Sign {
  pid_t pid = 0;
  std::string description;  ///< of what is served: what describe() makes
  std::vector<Detour> detours;
};

[[nodiscard]] std::string to_text(const Sign& sign);
/// nullopt when it is not a whole one.
[[nodiscard]] std::optional<Sign> sign_from_text(const std::string& text);

/// The sign of the server that lives in a network's directory; nullopt when none does, or when its sign is not written
/// yet. Throws Error.
[[nodiscard]] std::optional<Sign> find_living(const std::string& directory);
/// Whether one lives there, be it one that has not written its sign yet. Throws Error.
[[nodiscard]] bool has_name_server(const std::string& directory);

/// Kills the server that lives there, if one does, and takes its elements of the firewall away. Under the network's
/// lock. Throws Error.
void end_name_server(const std::string& directory);

[[nodiscard]] std::string sign_path(const NameServer& server);
[[nodiscard]] std::string lock_path(const NameServer& server);

/// The command line of a server, but for its descriptor; also what tells one server from another.
[[nodiscard]] std::vector<std::string> to_arguments(const NameServer& server);
/// `interface`: the index of the bridge, which a bridge that was made again has not.
[[nodiscard]] std::string describe(const NameServer& server, unsigned interface);

/// Makes the firewall lead questions to port 53 to where they are listened for. Idempotent; replaces what a server that
/// was killed has left. Throws Error.
void add_detours(const std::vector<Detour>& detours);
void remove_detours(const std::vector<Detour>& detours);
[[nodiscard]] std::vector<Element> elements_of(const std::vector<Detour>& detours);

}  // namespace myct::network
