#include <algorithm>

#include "flags.hpp"
#include "myct/base/error.hpp"
#include "myct/base/units.hpp"

namespace myct::cli {
namespace {

constexpr int64_t kUnlimited = -1;
constexpr uint64_t kLeastWeight = 10;
constexpr uint64_t kMostWeight = 1000;

bool is_digits(std::string_view text) noexcept {
  return std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

/// "1.5" times 10^`places`, exactly; nullopt when it has more digits than that, or is no such number.
std::optional<int64_t> parse_decimal(std::string_view text, size_t places) {
  const size_t point = std::min(text.find('.'), text.size());
  const std::string_view whole = text.substr(0, point);
  std::string_view fraction = text.substr(std::min(point + 1, text.size()));
  while (fraction.ends_with('0')) fraction.remove_suffix(1);
  if (whole.empty() && fraction.empty()) return std::nullopt;
  if (!is_digits(whole) || !is_digits(fraction) || fraction.size() > places) return std::nullopt;
  std::string digits = fmt::format("{}{}", whole, fraction);
  digits.append(places - fraction.size(), '0');
  return parse_signed(digits);
}

}  // namespace

int64_t parse_memory(const std::string& text, std::string_view option) {
  if (const std::optional<uint64_t> bytes = parse_bytes(text); bytes && *bytes <= INT64_MAX)
    return static_cast<int64_t>(*bytes);
  throw Error(ErrorKind::Usage, fmt::format("invalid size '{}' for {}", text, option), 0,
              "give bytes, or a number with b, k, m, g or t, such as 512m");
}

int64_t parse_memory_swap(const std::string& text) {
  return text == "-1" ? kUnlimited : parse_memory(text, "--memory-swap");
}

void check_swappiness(const std::string& text) {
  if (text == "-1") return;
  throw Error(ErrorKind::Usage, "--memory-swappiness cannot be had: cgroup v2 has no such setting", 0,
              "--memory-swap limits how much is swapped out");
}

int64_t parse_cpus(const std::string& text) {
  constexpr size_t kBillionths = 9;
  const bool is_percent = text.ends_with('%');
  std::string_view number = text;
  if (is_percent) number.remove_suffix(1);
  if (const std::optional<int64_t> cpus = parse_decimal(number, is_percent ? kBillionths - 2 : kBillionths))
    return *cpus;
  const bool is_too_precise = parse_decimal(number.substr(0, number.find('.') + 1), 0) && number.size() > kBillionths;
  throw_error(ErrorKind::Usage, "invalid number of processors '{}': {}", text,
              is_too_precise ? "it is too precise: billionths are the finest" : "give one such as 1.5, or 50%");
}

int64_t parse_number(const std::string& text, std::string_view option, NumberRange range) {
  const std::optional<int64_t> number = parse_signed(text);
  if (number == 0 || (number == kUnlimited && range.takes_minus_one)) return *number;
  if (number && *number >= range.least && *number <= range.most) return *number;
  throw_error(ErrorKind::Usage, "invalid {} '{}': give a number from {} to {}, or {}", option, text, range.least,
              range.most, range.takes_minus_one ? "-1 for no limit" : "0 for the default");
}

manager::DeviceLimit parse_device_limit(const std::string& text, std::string_view option, DeviceQuantity quantity) {
  const size_t colon = text.rfind(':');
  manager::DeviceLimit limit{.path = text.substr(0, colon)};
  if (colon == std::string::npos || limit.path.empty())
    throw_error(ErrorKind::Usage, "invalid {} '{}': give a disk and a value, such as /dev/sda:{}", option, text,
                quantity == DeviceQuantity::Bytes ? "10mb" : "100");
  if (!limit.path.starts_with("/dev/"))
    throw_error(ErrorKind::Usage, "invalid {} '{}': the disk's path is to begin with /dev/", option, text);
  const std::string value = text.substr(colon + 1);
  const std::optional<uint64_t> number = quantity == DeviceQuantity::Bytes ? parse_bytes(value) : parse_unsigned(value);
  const bool is_weight = quantity == DeviceQuantity::Weight;
  if (!number || (is_weight && *number != 0 && (*number < kLeastWeight || *number > kMostWeight)))
    throw_error(ErrorKind::Usage, "invalid {} '{}': '{}' is no {}", option, text, value,
                quantity == DeviceQuantity::Bytes ? "number of bytes a second"
                : is_weight                       ? "weight from 10 to 1000"
                                                  : "number of operations a second");
  limit.value = *number;
  return limit;
}

}  // namespace myct::cli
