// Weights of block I/O: there are two in the kernel, and each takes a value whether or not any disk goes by it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "myct/cgroup/limits.hpp"

namespace myct::cgroup {

/// BFQ's weight, and that of io.cost.
inline constexpr std::string_view kBfqWeight = "io.bfq.weight";
inline constexpr std::string_view kCostWeight = "io.weight";

[[nodiscard]] bool is_io_weight(const Setting& setting) noexcept;
/// Whether it is what every group has that was given none.
[[nodiscard]] bool is_weight_taken_away(const Setting& setting) noexcept;

/// "8:16" of "8:16 500"; empty in a value for all disks.
[[nodiscard]] std::string_view disk_of_weight(std::string_view value) noexcept;
/// Whether /sys/block/DISK/queue/scheduler names BFQ as the one in use.
[[nodiscard]] bool is_bfq_chosen(std::string_view scheduler) noexcept;
/// Whether io.cost.qos has io.cost switched on for `disk`, or with an empty one for any.
[[nodiscard]] bool is_cost_enabled(std::string_view qos, std::string_view disk) noexcept;

/// Whether the disk that a weight is for, or any when it is for all, has the BFQ scheduler.
[[nodiscard]] bool goes_by_bfq(std::string_view disk);
/// The same of io.cost; nullopt where that cannot be seen, from a cgroup namespace.
[[nodiscard]] std::optional<bool> goes_by_cost(std::string_view disk);

/// Throws Error{Unsupported}, with the remedy, when nothing goes by the weight that is about to be written to `file`.
void check_weight_counts(const Setting& setting, std::string_view file);

}  // namespace myct::cgroup
