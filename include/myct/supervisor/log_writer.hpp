// Where a supervised container's output is kept. Used by the supervisor while the container runs; nothing here may
// stop it, so what cannot be kept is counted and dropped.
//
// Memory is the measure, since a supervisor stays as long as its container: two line buffers of 16 KiB and a batch of
// records, all touched only as far as they are needed.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "myct/state/record.hpp"
#include "myct/supervisor/stream.hpp"

namespace myct::supervisor {

class LogWriter {
 public:
  LogWriter() = default;
  LogWriter(const LogWriter&) = delete;
  LogWriter& operator=(const LogWriter&) = delete;
  virtual ~LogWriter() = default;

  /// Keeps what a stream said. Lines are written when they are whole. Never throws; waits for a moment at most.
  virtual void write(Stream stream, std::string_view bytes) = 0;
  /// The streams have ended: what lacks its newline is written as it is. More may follow (a restart).
  virtual void finish() = 0;

  /// Records that could not be kept: the disk was full, the journal did not take them.
  [[nodiscard]] uint64_t dropped() const noexcept { return dropped_; }

 protected:
  void count_dropped(uint64_t records) noexcept { dropped_ += records; }

 private:
  uint64_t dropped_ = 0;
};

struct LogTarget {
  state::LogConfig config;
  std::string directory;  ///< the container's
  std::string id;
  std::string name;
  std::string image;
  std::string journal_socket = "/run/systemd/journal/socket";
};

/// Opens the log of a container; None and Passthrough give a writer that drops without counting. Throws Error: the
/// file cannot be opened, the host has no journal.
[[nodiscard]] std::unique_ptr<LogWriter> open_log(const LogTarget& target);

// --- log_json.cpp, log_journald.cpp ---------------------------------------------------------------------------------
[[nodiscard]] std::unique_ptr<LogWriter> open_json_log(const LogTarget& target);
[[nodiscard]] std::unique_ptr<LogWriter> open_journald_log(const LogTarget& target);

}  // namespace myct::supervisor
