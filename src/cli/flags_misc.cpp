#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>

#include "flags.hpp"
#include "myct/base/error.hpp"
#include "myct/base/units.hpp"

namespace myct::cli {
namespace {

// docker-run(1), --ulimit: the names of setrlimit(2) in lower case; "as" is refused there, too.
constexpr std::array<std::string_view, 15> kUlimits = {"core",    "cpu",      "data",   "fsize",      "locks",
                                                       "memlock", "msgqueue", "nice",   "nofile",     "nproc",
                                                       "rss",     "rtprio",   "rttime", "sigpending", "stack"};

uint64_t parse_limit(std::string_view value, const std::string& text) {
  if (value == "-1") return RLIM_INFINITY;
  if (const std::optional<uint64_t> limit = parse_unsigned(value)) return *limit;
  throw_error(ErrorKind::Usage, "invalid ulimit '{}': '{}' is not a number", text, value);
}

}  // namespace

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (;;) {
    const size_t end = text.find(separator);
    parts.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

Condition parse_condition(const std::string& text, const std::vector<std::string_view>& keys) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos) throw_error(ErrorKind::Usage, "invalid filter '{}': give KEY=VALUE", text);
  Condition condition{.key = text.substr(0, equals), .value = text.substr(equals + 1)};
  if (std::find(keys.begin(), keys.end(), condition.key) == keys.end())
    throw Error(ErrorKind::Usage, fmt::format("invalid filter '{}'", condition.key), 0,
                fmt::format("there are: {}", fmt::join(keys, ", ")))
        .set_exit_status(kExitFailure);
  return condition;
}

bool parse_bool(std::string_view text, std::string_view option) {
  if (text == "true" || text == "1") return true;
  if (text == "false" || text == "0") return false;
  throw_error(ErrorKind::Usage, "invalid value '{}' for '{}': true or false", text, option);
}

oci::Rlimit parse_ulimit(const std::string& text) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos) throw_error(ErrorKind::Usage, "invalid ulimit '{}': give NAME=SOFT[:HARD]", text);
  const std::string name = text.substr(0, equals);
  if (std::find(kUlimits.begin(), kUlimits.end(), name) == kUlimits.end())
    throw_error(ErrorKind::Usage, "invalid ulimit '{}': unknown name '{}'", text, name);
  const std::vector<std::string> values = split(std::string_view(text).substr(equals + 1), ':');
  if (values.size() > 2) throw_error(ErrorKind::Usage, "invalid ulimit '{}': give NAME=SOFT[:HARD]", text);
  oci::Rlimit limit{.type = "RLIMIT_"};
  for (const char c : name) limit.type += static_cast<char>(c - 'a' + 'A');
  limit.soft = parse_limit(values.front(), text);
  limit.hard = parse_limit(values.back(), text);
  if (limit.soft > limit.hard)
    throw_error(ErrorKind::Usage, "invalid ulimit '{}': the soft limit is above the hard one", text);
  return limit;
}

void apply_security_option(const std::string& text, manager::SecurityRequest& security) {
  // "name:value" is Docker's old form of "name=value".
  const size_t separator = text.find_first_of("=:");
  const std::string name = text.substr(0, separator);
  const std::string value = separator == std::string::npos ? "" : text.substr(separator + 1);
  if (name == "no-new-privileges")
    security.no_new_privileges = separator == std::string::npos || parse_bool(value, name);
  else if (name == "seccomp" && (value == "unconfined" || value == "builtin"))
    security.seccomp_unconfined = value == "unconfined";
  else if (name == "systempaths" && value == "unconfined")
    security.system_paths_unconfined = true;
  else if (name == "writable-cgroups")
    security.writable_cgroups = separator == std::string::npos || parse_bool(value, name);
  else
    throw_error(ErrorKind::Usage,
                "invalid --security-opt '{}': no-new-privileges, seccomp=unconfined|builtin, systempaths=unconfined or "
                "writable-cgroups",
                text);
}

void check_hostname(const std::string& text) {
  constexpr size_t kLongest = 64;  // HOST_NAME_MAX
  constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.";
  if (!text.empty() && text.size() <= kLongest && text.front() != '-' && text.front() != '.' &&
      text.find_first_not_of(kAllowed) == std::string::npos)
    return;
  throw_error(ErrorKind::Usage, "invalid hostname '{}': letters, digits, '-' and '.', at most {} of them", text,
              kLongest);
}

}  // namespace myct::cli
