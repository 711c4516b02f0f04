// The old iptables (x_tables), which a host may still filter by (iptables-legacy). nf_tables does not see its rules,
// and a rule of ours cannot be put there without replacing the whole table, so the administrator is told.
#pragma once

#include <optional>
#include <string>

namespace myct::network {

/// The command that lets containers' packets through a FORWARD chain of the old iptables that forwards nothing unless
/// told; nullopt where there is none, or it has been told already. Loads no module. Throws nothing: what cannot be seen
/// is not there.
[[nodiscard]] std::optional<std::string> remedy_for_legacy_forward() noexcept;

}  // namespace myct::network
