// What the processes of a control group have used so far, and how much they had to wait for it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace myct::cgroup {

/// cpu.stat; times in microseconds. The last three stay 0 in a group without the cpu controller.
struct CpuUsage {
  uint64_t usage = 0;
  uint64_t user = 0;
  uint64_t system = 0;
  uint64_t periods = 0;            ///< of the quota's periods, those in which something ran
  uint64_t throttled_periods = 0;  ///< those in which it had to wait for the next one
  uint64_t throttled = 0;          ///< how long
};

/// memory.events: how often, since the group was made, in it and in those below.
struct MemoryEvents {
  uint64_t low = 0;
  uint64_t high = 0;
  uint64_t max = 0;
  uint64_t oom = 0;       ///< the limit was reached and nothing could be reclaimed
  uint64_t oom_kill = 0;  ///< processes that were killed for it
};

/// In bytes.
struct MemoryUsage {
  uint64_t current = 0;
  uint64_t inactive_file = 0;  ///< of it, page cache that is given back when it is needed
  uint64_t limit = 0;          ///< memory.max, or what the host has
  uint64_t swap = 0;
  MemoryEvents events;
};

struct PidsUsage {
  uint64_t current = 0;
  std::optional<uint64_t> max;  ///< nullopt: unlimited
};

/// io.stat, over all devices.
struct IoUsage {
  uint64_t read_bytes = 0;
  uint64_t written_bytes = 0;
  uint64_t read_operations = 0;
  uint64_t write_operations = 0;
};

/// The share of time, in percent, in which something had to wait (Documentation/accounting/psi.rst).
struct PressureLine {
  double avg10 = 0;
  double avg60 = 0;
  double avg300 = 0;
  uint64_t total = 0;  ///< microseconds
};
struct Pressure {
  PressureLine some;                 ///< at least one task waited
  std::optional<PressureLine> full;  ///< all of them did
};

/// A member is nullopt where the group has no such controller, or the kernel no such file.
struct Usage {
  std::optional<CpuUsage> cpu;
  std::optional<MemoryUsage> memory;
  std::optional<PidsUsage> pids;
  std::optional<IoUsage> io;
  std::optional<Pressure> cpu_pressure;
  std::optional<Pressure> memory_pressure;
  std::optional<Pressure> io_pressure;
};

/// What the group at `path` (absolute) has used. All members are nullopt when it has gone.
[[nodiscard]] Usage read_usage(const std::string& path);

/// How many processes of the group at `path`, and of those below, the kernel has killed because memory was used up; 0
/// where it has no memory controller.
[[nodiscard]] uint64_t oom_kills(const std::string& path);

}  // namespace myct::cgroup
