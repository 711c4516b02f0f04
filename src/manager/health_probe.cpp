// One run of a container's health check: its command, in time or killed.
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "myct/base/error.hpp"
#include "myct/base/when.hpp"
#include "steps.hpp"

namespace myct::manager {
namespace {

using Clock = std::chrono::steady_clock;

/// What a command writes, as much of it as is kept. Reading goes on, so that the command is never held up.
class Output {
 public:
  Output() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) == -1) throw_errno("make a pipe for the output of a health check");
    reader_ = Fd(ends[0]);
    writer_ = Fd(ends[1]);
    if (::fcntl(reader_.get(), F_SETFL, O_NONBLOCK) == -1) throw_errno("make a pipe non-blocking");
  }

  /// -1 when nobody can write any more.
  [[nodiscard]] int reader() const noexcept { return reader_.valid() ? reader_.get() : -1; }
  [[nodiscard]] int writer() const noexcept { return writer_.get(); }
  /// The command has it by now.
  void close_writer() noexcept { writer_.reset(); }

  /// What is there now, once: one that writes without end must not keep us from looking at the clock.
  void take() {
    std::array<char, 65536> buffer;
    const ssize_t got = ::read(reader_.get(), buffer.data(), buffer.size());
    if (got == 0) reader_.reset();
    if (got <= 0) return;
    const size_t kept = std::min(static_cast<size_t>(got), state::kLongestProbeOutput - text_.size());
    text_.append(buffer.data(), kept);
    is_cut_ = is_cut_ || kept < static_cast<size_t>(got);
  }
  [[nodiscard]] std::string text() const { return is_cut_ ? text_ + "..." : text_; }

 private:
  Fd reader_;
  Fd writer_;
  std::string text_;
  bool is_cut_ = false;
};

/// The command's exit status; nullopt when the time is up.
std::optional<int> wait_for_status(KeptCommand& command, Output& output, Clock::time_point deadline) {
  for (bool has_started = false;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) return std::nullopt;
    std::array<pollfd, 2> events = {pollfd{.fd = command.news().get(), .events = POLLIN, .revents = 0},
                                    pollfd{.fd = output.reader(), .events = POLLIN, .revents = 0}};
    if (::poll(events.data(), events.size(), static_cast<int>(std::min<int64_t>(left, INT32_MAX))) == -1) {
      if (errno == EINTR) continue;
      throw_errno("wait for a health check");
    }
    if (events[1].revents != 0) output.take();
    if (events[0].revents == 0) continue;
    if (has_started) return command.wait();
    command.wait_until_started();
    has_started = true;
  }
}

/// Reaps what a keeper that was killed has left to us: its command, which is killed with it. Whose end nobody sees
/// stays a zombie, and its container cannot end.
struct OrphanReaper {
  ~OrphanReaper() {
    while (::waitpid(-1, nullptr, 0) > 0 || errno == EINTR) {
    }
  }
};

/// Fills in the exit code and the output.
void run_command(const std::function<engine::Running(const Output&)>& start, std::chrono::nanoseconds timeout,
                 state::ProbeResult& result) {
  Output output;
  const Clock::time_point deadline = Clock::now() + timeout;
  const OrphanReaper reaper;
  KeptCommand command([&] { return start(output); }, {.abandoned = Abandoned::KillGroup});
  output.close_writer();
  const std::optional<int> status = wait_for_status(command, output, deadline);
  if (output.reader() != -1) output.take();  // what it wrote last
  result.output = output.text();
  if (status) {
    result.exit_code = *status;
    return;
  }
  command.kill();
  result.exit_code = kNoProbeStatus;
  result.output = fmt::format("Health check exceeded timeout ({}){}{}", format_duration(timeout),
                              result.output.empty() ? "" : ": ", result.output);
}

}  // namespace

state::ProbeResult probe_health(const Context& context, const ContainerSummary& container, FdRef init) {
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1) == -1) throw_errno("become the parent of a health check's orphans");
  const oci::Healthcheck check = oci::with_defaults(*container.record.healthcheck);
  state::ProbeResult result{.start = std::chrono::system_clock::now(), .end = {}, .output = {}};
  try {
    oci::Spec spec = load_spec(context, container.record.id);
    protect_own_executable(container.record.settings, spec);
    apply_request({.command = oci::command_of(check)}, *container.run, spec);
    const Fd null = open_path("/dev/null", O_RDONLY);
    const auto start = [&](const Output& output) {
      return start_command(context, container, init, spec, {.streams = {null.get(), output.writer(), output.writer()}});
    };
    run_command(start, check.timeout, result);
  } catch (const Error& error) {
    // As Docker has it: a command that cannot be run is a check that has failed.
    result.exit_code = kNoProbeStatus;
    result.output = error.what();
  }
  result.end = std::chrono::system_clock::now();
  return result;
}

}  // namespace myct::manager
