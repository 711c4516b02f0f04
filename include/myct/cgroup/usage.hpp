// What the processes of a control group use.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace myct::cgroup {

/// Shares of time in percent, over the last seconds (Documentation/accounting/psi.rst).
struct PressureAverages {
  double avg10 = 0;
  double avg60 = 0;
  double avg300 = 0;
  uint64_t total = 0;  ///< microseconds since the group was made
};
struct Pressure {
  PressureAverages some;  ///< something waited
  PressureAverages full;  ///< nothing went on
};

/// What this host cannot tell is absent.
struct Usage {
  std::optional<uint64_t> cpu_usage;  ///< microseconds
  std::optional<uint64_t> memory_current;
  std::optional<uint64_t> memory_inactive_file;
  std::optional<uint64_t> memory_limit;  ///< the host's memory where there is none
  std::optional<uint64_t> pids_current;
  std::optional<uint64_t> io_read_bytes;
  std::optional<uint64_t> io_written_bytes;
  std::optional<Pressure> cpu_pressure;
  std::optional<Pressure> memory_pressure;
  std::optional<Pressure> io_pressure;
};

/// Of the group at `path` (absolute). All is absent when there is no such group (any more).
[[nodiscard]] Usage read_usage(const std::string& path);

}  // namespace myct::cgroup
