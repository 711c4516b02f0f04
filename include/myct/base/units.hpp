// Quantities as users write and read them.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace myct {

/// Parses "512", "512M", "1.5g", "64MiB": suffixes b k m g t p with optional "b" or "ib", in any case, always
/// 1024-based, as docker(1) does. nullopt for anything else, negative or out of range.
[[nodiscard]] std::optional<uint64_t> parse_bytes(std::string_view text);
/// The same with 1000-based suffixes, also "MiB", as docker(1) takes for --log-opt max-size.
[[nodiscard]] std::optional<uint64_t> parse_decimal_bytes(std::string_view text);

/// "3.49MB": 1000-based with at most `digits` significant digits; docker ps has three.
[[nodiscard]] std::string human_size(uint64_t bytes, int digits = 4);

/// "1.5GiB": 1024-based with at most four significant digits.
[[nodiscard]] std::string human_binary_size(uint64_t bytes);

/// "About a minute", "5 minutes", "2 days": Docker's HumanDuration.
[[nodiscard]] std::string human_duration(std::chrono::seconds duration);

using SystemTime = std::chrono::system_clock::time_point;
/// RFC 3339 in UTC with nanoseconds: "2024-05-01T10:00:00.123456789Z".
[[nodiscard]] std::string format_time(SystemTime time);
/// The inverse of format_time (fraction optional, "Z" or a numeric offset); nullopt when malformed.
[[nodiscard]] std::optional<SystemTime> parse_time(std::string_view text);

/// Parses a whole decimal number that must fill `text`; nullopt otherwise.
[[nodiscard]] std::optional<uint64_t> parse_unsigned(std::string_view text);
[[nodiscard]] std::optional<int64_t> parse_signed(std::string_view text);

/// Whether `text` is lower-case hex digits and not empty.
[[nodiscard]] bool is_hex(std::string_view text) noexcept;
/// The first twelve digits of an id, its "sha256:" left out.
[[nodiscard]] std::string short_id(std::string_view id);

}  // namespace myct
