#include "process.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace myct::test {
namespace {

using Clock = std::chrono::steady_clock;

[[noreturn]] void fail(const char* what) { throw std::runtime_error(std::string(what) + ": " + std::strerror(errno)); }

struct Pipe {
  Fd read;
  Fd write;
};

Pipe make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) == -1) fail("pipe2");
  return {Fd(ends[0]), Fd(ends[1])};
}

int milliseconds_until(Clock::time_point deadline) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
  return left > 0 ? static_cast<int>(left) : 0;
}

/// Everything the child needs, made before the fork: between fork and exec there are only system calls.
struct Image {
  std::vector<std::string> env_texts;
  std::vector<char*> argv;
  std::vector<char*> envp;

  explicit Image(const Command& command) {
    for (const auto& [name, value] : command.env) env_texts.push_back(name + "=" + value);
    for (const std::string& arg : command.argv) argv.push_back(const_cast<char*>(arg.c_str()));
    for (const std::string& text : env_texts) envp.push_back(const_cast<char*>(text.c_str()));
    argv.push_back(nullptr);
    envp.push_back(nullptr);
  }
};

[[noreturn]] void become(const Command& command, const Image& image, const std::array<int, 3>& standard) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  for (int target = 0; target < 3; ++target)
    if (::dup2(standard[static_cast<size_t>(target)], target) == -1) ::_exit(99);
  for (const auto& [target, source] : command.streams)
    if (target > 2 && ::dup2(source, target) == -1) ::_exit(99);
  if (command.standard_input == Stdin::Closed) ::close(STDIN_FILENO);
  struct sigaction action {};
  action.sa_handler = SIG_DFL;
  ::sigaction(SIGPIPE, &action, nullptr);
  if (!command.directory.empty() && ::chdir(command.directory.c_str()) == -1) ::_exit(98);
  if (command.before_exec) command.before_exec();
  ::execve(image.argv[0], image.argv.data(), image.envp.data());
  ::_exit(97);
}

}  // namespace

std::ostream& operator<<(std::ostream& stream, const Result& result) {
  stream << "status " << result.status << ", signal " << result.signal << (result.timed_out ? ", timed out" : "");
  const auto show = [&](const char* name, const std::string& text) {
    constexpr size_t kMost = 4000;
    stream << "\n" << name << ": " << (text.size() > kMost ? text.substr(0, kMost) + "…" : text);
  };
  show("stdout", result.out);
  show("stderr", result.err);
  return stream;
}

Process::Process(const Command& command) : input_(command.input) {
  const Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  Pipe in = make_pipe();
  Pipe out = make_pipe();
  Pipe err = make_pipe();
  std::array<int, 3> standard = {command.standard_input == Stdin::Pipe ? in.read.get() : null.get(), out.write.get(),
                                 err.write.get()};
  for (int target = 0; target < 3; ++target)
    if (const auto found = command.streams.find(target); found != command.streams.end())
      standard[static_cast<size_t>(target)] = found->second;
  const Image image(command);
  pid_ = ::fork();
  if (pid_ == -1) fail("fork");
  if (pid_ == 0) become(command, image, standard);
  if (command.standard_input == Stdin::Pipe) {
    stdin_ = std::move(in.write);
    write_input_ = !command.input.empty();
  }
  stdout_ = std::move(out.read);
  stderr_ = std::move(err.read);
}

Process::Process(Process&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      stdin_(std::move(other.stdin_)),
      stdout_(std::move(other.stdout_)),
      stderr_(std::move(other.stderr_)),
      input_(std::move(other.input_)),
      write_input_(other.write_input_),
      result_(std::move(other.result_)) {}

Process::~Process() {
  if (pid_ == -1) return;
  ::kill(pid_, SIGKILL);
  reap();
}

void Process::reap() {
  int status = 0;
  while (::waitpid(pid_, &status, 0) == -1 && errno == EINTR) {
  }
  pid_ = -1;
  if (WIFSIGNALED(status))
    result_.signal = WTERMSIG(status);
  else
    result_.status = WEXITSTATUS(status);
}

bool Process::read_more(Fd& fd, std::string& text, Clock::time_point deadline) {
  if (!fd.valid()) return false;
  pollfd event{.fd = fd.get(), .events = POLLIN, .revents = 0};
  if (::poll(&event, 1, milliseconds_until(deadline)) <= 0) return false;
  std::array<char, 65536> buffer;
  const ssize_t got = ::read(fd.get(), buffer.data(), buffer.size());
  if (got <= 0) {
    fd.reset();
    return false;
  }
  text.append(buffer.data(), static_cast<size_t>(got));
  return true;
}

bool Process::read_stream_until(Fd& fd, std::string& text, std::string_view marker) {
  const Clock::time_point deadline = Clock::now() + kTimeLimit;
  while (text.find(marker) == std::string::npos)
    if (!read_more(fd, text, deadline)) return false;
  return true;
}

bool Process::read_until(std::string_view marker) { return read_stream_until(stdout_, result_.out, marker); }
bool Process::read_error_until(std::string_view marker) { return read_stream_until(stderr_, result_.err, marker); }

void Process::write(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(stdin_.get(), text.data(), text.size());
    if (written == -1 && errno != EINTR) fail("write to the program");
    if (written > 0) text.remove_prefix(static_cast<size_t>(written));
  }
}

void Process::signal(int number) const {
  if (::kill(pid_, number) == -1) fail("kill");
}

Result Process::wait() {
  const Clock::time_point deadline = Clock::now() + kTimeLimit;
  if (!write_input_) stdin_.reset();
  while (stdin_.valid() || stdout_.valid() || stderr_.valid()) {
    std::array<pollfd, 3> events = {pollfd{.fd = stdin_.get(), .events = POLLOUT, .revents = 0},
                                    pollfd{.fd = stdout_.get(), .events = POLLIN, .revents = 0},
                                    pollfd{.fd = stderr_.get(), .events = POLLIN, .revents = 0}};
    if (::poll(events.data(), events.size(), milliseconds_until(deadline)) <= 0) {
      result_.timed_out = true;
      ::kill(pid_, SIGKILL);
      break;
    }
    if (events[0].revents != 0) {
      const size_t piece = std::min<size_t>(input_.size(), 4096);
      const ssize_t written = ::write(stdin_.get(), input_.data(), piece);
      if (written > 0) input_.erase(0, static_cast<size_t>(written));
      if (written == -1 || input_.empty()) stdin_.reset();
    }
    if (events[1].revents != 0) read_more(stdout_, result_.out, deadline);
    if (events[2].revents != 0) read_more(stderr_, result_.err, deadline);
  }
  reap();
  return result_;
}

Result run(const Command& command) { return Process(command).wait(); }

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return lines;
}

}  // namespace myct::test
