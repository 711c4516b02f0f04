// The old iptables (x_tables), which a host may still filter by (iptables-legacy). nf_tables does not see its rules,
// and a rule of ours cannot be put there without replacing the whole table, so the administrator is told.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "address.hpp"

namespace myct::network {

/// The chains that packets of containers come through.
enum class LegacyChain : uint8_t {
  Forward,  ///< from and to other hosts
  Input,    ///< questions to a name server
};
/// The command that lets those packets through a chain of the old iptables that lets nothing through unless told;
/// nullopt where there is none, or it has been told already. Loads no module. Throws nothing: what cannot be seen is
/// not there.
[[nodiscard]] std::optional<std::string> remedy_for_legacy(Family family, LegacyChain chain) noexcept;

}  // namespace myct::network
