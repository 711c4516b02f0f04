// How a user's streams are attached, and how a container is ended and started again.
#include "container_flags.hpp"
#include "flags.hpp"
#include "myct/base/error.hpp"
#include "myct/base/signals.hpp"
#include "myct/base/units.hpp"
#include "myct/supervisor/detach_keys.hpp"

namespace myct::cli {

void add_detach_keys(CLI::App& command, std::optional<std::string>& keys, const char* help) {
  command.add_option("--detach-keys", keys, help)->type_name("KEYS")->take_last();
}

std::string parse_detach_keys_option(const std::optional<std::string>& keys) {
  return supervisor::parse_detach_keys(keys.value_or(std::string(supervisor::kDefaultDetachKeys)));
}

Error detached_error(const char* what) {
  Error error(ErrorKind::Conflict, "read escape sequence", 0, fmt::format("detached; the {} goes on", what));
  error.set_exit_status(kExitFailure);
  return error;
}

void add_attach_flags(CLI::App& command, AttachFlags& flags) {
  add_detach_keys(command, flags.detach_keys, "The keys that leave the container running, with -it (ctrl-p,ctrl-q)");
  command.add_flag("--sig-proxy", flags.forward_signals, "Pass signals on to the program (true)");
}

manager::Attachment parse_attachment(const AttachFlags& flags, bool input) {
  return {.detach_keys = parse_detach_keys_option(flags.detach_keys),
          .input = input,
          .forward_signals = flags.forward_signals};
}

int parse_signal_option(const std::string& text) {
  if (const std::optional<int> number = parse_signal(text)) return *number;
  throw_error(ErrorKind::Usage, "invalid signal '{}': a name such as TERM or a number", text);
}

int parse_seconds(const std::string& text, std::string_view option) {
  constexpr int64_t kLongest = 10LL * 365 * 24 * 3600;
  const std::optional<int64_t> seconds = parse_signed(text);
  if (seconds && *seconds >= -1 && *seconds <= kLongest) return static_cast<int>(*seconds);
  throw_error(ErrorKind::Usage, "invalid value '{}' for '{}': a number of seconds, or -1 for ever", text, option);
}

state::Restart parse_restart(const std::string& text) {
  if (text.empty()) return {};
  const size_t colon = text.find(':');
  const std::optional<state::RestartPolicy> policy = state::restart_from_word(text.substr(0, colon));
  if (!policy)
    throw_error(ErrorKind::Usage, "invalid restart policy '{}': no, on-failure[:N], always or unless-stopped", text);
  state::Restart restart{.policy = *policy};
  if (colon == std::string::npos) return restart;
  if (*policy != state::RestartPolicy::OnFailure)
    throw_error(ErrorKind::Usage, "invalid restart policy '{}': only on-failure has a number of attempts", text);
  const std::optional<uint64_t> attempts = parse_unsigned(text.substr(colon + 1));
  if (!attempts || *attempts > UINT32_MAX)
    throw_error(ErrorKind::Usage, "invalid restart policy '{}': '{}' is not a number", text, text.substr(colon + 1));
  restart.max_attempts = static_cast<unsigned>(*attempts);
  return restart;
}

}  // namespace myct::cli
