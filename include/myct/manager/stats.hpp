// What containers use, as docker-stats(1).
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "myct/manager/request.hpp"

namespace myct::manager {

struct StatsRequest {
  std::vector<std::string> containers;  ///< names or ids; none: all that run
  bool all = false;                     ///< with none named: all there are
};

/// How much of the time something waited for a resource (some), or nothing went on because of that (full): percent over
/// the last seconds, and microseconds in all (Documentation/accounting/psi.rst).
struct PressureAverages {
  double avg10 = 0;
  double avg60 = 0;
  double avg300 = 0;
  uint64_t total = 0;
};
struct Pressure {
  PressureAverages some;
  PressureAverages full;
};

/// What is not known is absent: nothing is of a container that does not run.
struct Stats {
  std::string reference;  ///< as it was named; its id where none is
  std::string id;
  std::string name;
  std::chrono::steady_clock::time_point taken;
  std::optional<double> cpu_percent;  ///< of one processor, since the last reading
  std::optional<uint64_t> cpu_microseconds;
  std::optional<uint64_t> memory;        ///< bytes, without the cache that nothing has asked for lately
  std::optional<uint64_t> memory_limit;  ///< the host's memory where there is none
  std::optional<uint64_t> net_received;  ///< bytes on all interfaces but the loopback one
  std::optional<uint64_t> net_sent;
  std::optional<uint64_t> block_read;  ///< bytes
  std::optional<uint64_t> block_written;
  std::optional<uint64_t> pids;  ///< processes and threads
  std::optional<Pressure> cpu_pressure;
  std::optional<Pressure> memory_pressure;
  std::optional<Pressure> io_pressure;
};

/// Reads again and again. What a processor does is known from the second time on that a container is met.
class StatsReader {
 public:
  StatsReader(const Context& context, StatsRequest request) : context_(context), request_(std::move(request)) {}

  /// One for each container, newest first or in the order they were named in. The first time it throws
  /// Error{NotFound} for one that does not exist; later ones that have gone are left out.
  [[nodiscard]] std::vector<Stats> read();

 private:
  struct Reading {
    uint64_t cpu_microseconds = 0;
    std::chrono::steady_clock::time_point time;
  };

  const Context& context_;
  StatsRequest request_;
  std::map<std::string, Reading> last_;  ///< by id
  bool is_first_ = true;
};

/// The bytes received and sent that /proc/PID/net/dev tells of, less those of the loopback interface. Pure.
struct NetworkBytes {
  uint64_t received = 0;
  uint64_t sent = 0;
};
[[nodiscard]] NetworkBytes parse_net_dev(std::string_view text);

}  // namespace myct::manager
