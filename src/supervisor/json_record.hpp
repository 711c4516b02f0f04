// One line of a json-file log, both ways:
//
//   {"log":"text\n","stream":"stdout","time":"2024-05-01T10:00:00.123456789Z"}
//
// Not a JSON library's work: the writer's memory is counted in kilobytes and its speed in hundreds of megabytes a
// second, and the reader has to tell a whole record from one that a power cut has left. Only this form is read: members
// in this order, no blanks. It has a tail of fixed length, so a line is judged from both its ends.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "line_cutter.hpp"
#include "myct/supervisor/stream.hpp"

namespace myct::supervisor {

/// Appends the record of a piece of a line, with its newline. `time` is format_time's. What is not UTF-8 becomes
/// U+FFFD, a byte at a time, as in Docker.
void append_record(std::string& out, std::string_view text, Ending ending, Stream stream, std::string_view time);

/// No record is longer: every byte of a piece may have become six.
constexpr size_t kLongestRecord = kLongestLine * 6 + 128;

struct LogRecord {
  std::string_view text;  ///< still escaped
  Stream stream = Stream::Stdout;
  std::string_view time;  ///< sorts as a text, because all have the same form
};

/// Reads a line without its newline; the views are into it. nullopt: not a record, or a damaged one.
[[nodiscard]] std::optional<LogRecord> parse_record(std::string_view line) noexcept;

/// Appends what the container wrote.
void append_unescaped(std::string& out, std::string_view text);

}  // namespace myct::supervisor
