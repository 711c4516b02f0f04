#include "flags.hpp"
#include "myct/base/error.hpp"
#include "myct/base/when.hpp"

namespace myct::cli {
namespace {

constexpr std::string_view kUnlimited = "-1";

uint64_t parse_max_size(std::string_view value, const std::string& text) {
  if (value == kUnlimited)
    throw_error(ErrorKind::Usage, "invalid --log-opt '{}': a log without a bound would fill the disk", text);
  const std::optional<uint64_t> size = parse_decimal_bytes(value);
  if (!size || *size == 0)
    throw_error(ErrorKind::Usage, "invalid --log-opt '{}': give a size such as 500k, 10m or 1g", text);
  return *size;
}

unsigned parse_max_file(std::string_view value, const std::string& text) {
  const std::optional<uint64_t> count = parse_unsigned(value);
  if (!count || *count == 0 || *count > state::kMostLogFiles)
    throw_error(ErrorKind::Usage, "invalid --log-opt '{}': give a number from 1 to {}", text, state::kMostLogFiles);
  return static_cast<unsigned>(*count);
}

}  // namespace

state::LogDriver parse_log_driver(const std::string& text) {
  if (const std::optional<state::LogDriver> driver = state::driver_from_word(text)) return *driver;
  throw_error(ErrorKind::Usage, "unknown log driver '{}': json-file, none, journald or passthrough", text);
}

void apply_log_option(const std::string& text, state::LogConfig& config) {
  const size_t equals = text.find('=');
  const std::string name = text.substr(0, equals);
  if (equals == std::string::npos) throw_error(ErrorKind::Usage, "invalid --log-opt '{}': give NAME=VALUE", text);
  const std::string_view value = std::string_view(text).substr(equals + 1);
  if (name == "mode") {
    // Docker's for every driver; this value is its default, too.
    if (value != "blocking")
      throw_error(ErrorKind::Usage, "invalid --log-opt '{}': only mode=blocking is there: a program waits for its log",
                  text);
    config.options.push_back(text);
    return;
  }
  if (config.driver != state::LogDriver::JsonFile)
    throw_error(ErrorKind::Usage, "unknown log option '{}': the log driver '{}' has none but mode", name,
                state::driver_word(config.driver));
  if (name == "max-size")
    config.max_size = parse_max_size(value, text);
  else if (name == "max-file")
    config.max_file = parse_max_file(value, text);
  else
    throw_error(ErrorKind::Usage, "unknown log option '{}': json-file has max-size, max-file and mode", name);
  config.options.push_back(text);
}

SystemTime parse_point_in_time(const std::string& text, std::string_view option, SystemTime now) {
  if (const std::optional<SystemTime> time = parse_when(text, now)) return *time;
  throw_error(ErrorKind::Usage, "invalid value '{}' for '{}': give {}", text, option, kWhenForms);
}

}  // namespace myct::cli
