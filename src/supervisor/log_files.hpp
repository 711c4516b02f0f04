// The files of a json-file log: log.json, which is written to, and log.json.1 (newer), log.json.2, ... (older), which
// were rotated out.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "myct/base/fd.hpp"

namespace myct::supervisor {

/// "log.json" for 0, "log.json.2" for 2.
[[nodiscard]] std::string log_file_name(unsigned index);

/// A file that is being read; its name may change meanwhile.
struct LogFile {
  Fd fd;
  dev_t device = 0;
  ino_t inode = 0;
  uint64_t size = 0;    ///< when it was opened
  uint64_t offset = 0;  ///< what is before it is done with

  [[nodiscard]] bool same_as(const LogFile& other) const noexcept {
    return device == other.device && inode == other.inode;
  }
};

/// Opens all that there are, oldest first; each once, and none is missed while the writer rotates them. Throws Error.
[[nodiscard]] std::vector<LogFile> open_log_files(const std::string& directory);
/// Those that are newer than `current`, oldest first: none, unless that was rotated out and is whole now. Throws Error.
[[nodiscard]] std::vector<LogFile> open_newer_files(const std::string& directory, const LogFile& current);

/// Reads whole lines from a file's offset on, which is moved behind them, up to `limit` or its end. `use` gets each
/// line without its newline. Throws Error.
void read_lines(LogFile& file, uint64_t limit, const std::function<void(std::string_view)>& use);

/// Sets the offsets such that reading from them gives the last `count` lines that `wanted` accepts, and what is written
/// after them; files that come before are taken away. Reads no more than that from the files' ends. Throws Error.
void seek_to_tail(std::vector<LogFile>& files, uint64_t count, const std::function<bool(std::string_view)>& wanted);

}  // namespace myct::supervisor
