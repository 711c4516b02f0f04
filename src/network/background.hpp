// What processes of ours that stand beside containers have in common: name servers and relays.
#pragma once

#include <cstdint>

namespace myct::network {

/// Nothing of the starter's terminal, signals and streams, and not its place in the file system. Throws Error.
void leave_the_user(const char* process_name);

/// They read what strangers send: from here on root's name is all that is left of root. `kept` is a mask of
/// capabilities below 32. Throws Error.
void drop_privileges(uint32_t kept);

}  // namespace myct::network
