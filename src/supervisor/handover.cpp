#include "myct/supervisor/handover.hpp"

#include <fcntl.h>
#include <linux/close_range.h>
#include <unistd.h>

#include <array>
#include <string_view>

#include "myct/base/error.hpp"
#include "myct/base/units.hpp"

namespace myct::supervisor {
namespace {

struct Text {
  const char* key;
  std::string Handover::*member;
};
constexpr std::array kTexts = {Text{"root", &Handover::root},   Text{"runtime-dir", &Handover::runtime_dir},
                               Text{"id", &Handover::id},       Text{"name", &Handover::name},
                               Text{"image", &Handover::image}, Text{"cgroup", &Handover::cgroup}};

struct Number {
  const char* key;
  int Handover::*member;
};
/// Descriptors, which must stay open across the exec, and one more.
constexpr std::array kDescriptors = {Number{"init", &Handover::init},   Number{"console", &Handover::console},
                                     Number{"input", &Handover::input}, Number{"output", &Handover::output},
                                     Number{"error", &Handover::error}, Number{"listener", &Handover::listener},
                                     Number{"owner", &Handover::owner}, Number{"starter", &Handover::starter}};
constexpr std::array kNumbers = {Number{"pid", &Handover::init_pid}, Number{"stop-signal", &Handover::stop_signal},
                                 Number{"stop-seconds", &Handover::stop_seconds}};

struct Time {
  const char* key;
  int64_t HealthTimes::*member;
};
constexpr std::array kHealthTimes = {Time{"health-interval", &HealthTimes::interval},
                                     Time{"health-start-interval", &HealthTimes::start_interval},
                                     Time{"health-start-period", &HealthTimes::start_period}};

template <typename T>
T parse_number(std::string_view value) {
  const std::optional<int64_t> number = parse_signed(value);
  if (!number) throw_error(ErrorKind::Usage, "not a supervisor's command line: '{}'", value);
  return static_cast<T>(*number);
}

bool set_member(Handover& handover, std::string_view key, std::string_view value) {
  for (const Text& text : kTexts)
    if (key == text.key) return handover.*text.member = value, true;
  for (const Number& number : kDescriptors)
    if (key == number.key) return handover.*number.member = parse_number<int>(value), true;
  for (const Number& number : kNumbers)
    if (key == number.key) return handover.*number.member = parse_number<int>(value), true;
  for (const Time& time : kHealthTimes)
    if (key == time.key) return handover.health.*time.member = parse_number<int64_t>(value), true;
  if (key == "port") return handover.ports.push_back(parse_number<int>(value)), true;
  if (key == "started") return handover.started_milliseconds = parse_number<int64_t>(value), true;
  if (key == "delay") return handover.delay_milliseconds = parse_number<int64_t>(value), true;
  if (key == "max-size") return handover.log.max_size = parse_number<uint64_t>(value), true;
  if (key == "max-file") return handover.log.max_file = parse_number<unsigned>(value), true;
  if (key != "log") return false;
  const std::optional<state::LogDriver> driver = state::driver_from_word(value);
  if (driver) handover.log.driver = *driver;
  return driver.has_value();
}

}  // namespace

std::vector<std::string> to_arguments(const Handover& handover) {
  std::vector<std::string> arguments = {kSupervisorName};
  // The name first: it is what a reader of ps(1) looks for.
  arguments.push_back("name=" + handover.name);
  for (const Text& text : kTexts)
    if (text.member != &Handover::name) arguments.push_back(fmt::format("{}={}", text.key, handover.*text.member));
  for (const Number& number : kDescriptors)
    if (handover.*number.member >= 0) arguments.push_back(fmt::format("{}={}", number.key, handover.*number.member));
  for (const Number& number : kNumbers) arguments.push_back(fmt::format("{}={}", number.key, handover.*number.member));
  for (const int port : handover.ports) arguments.push_back(fmt::format("port={}", port));
  arguments.push_back(fmt::format("started={}", handover.started_milliseconds));
  arguments.push_back(fmt::format("delay={}", handover.delay_milliseconds));
  arguments.push_back(fmt::format("log={}", state::driver_word(handover.log.driver)));
  arguments.push_back(fmt::format("max-size={}", handover.log.max_size));
  arguments.push_back(fmt::format("max-file={}", handover.log.max_file));
  for (const Time& time : kHealthTimes)
    if (handover.health.*time.member != 0)
      arguments.push_back(fmt::format("{}={}", time.key, handover.health.*time.member));
  return arguments;
}

Handover handover_from_arguments(int argc, char** argv) {
  Handover handover;
  for (int index = 1; index < argc; ++index) {
    const std::string_view word = argv[index];
    const size_t equals = word.find('=');
    if (equals == std::string_view::npos || !set_member(handover, word.substr(0, equals), word.substr(equals + 1)))
      throw_error(ErrorKind::Usage, "not a supervisor's command line: '{}'", word);
  }
  if (handover.id.empty()) throw_error(ErrorKind::Usage, "not a supervisor's command line: no id");
  return handover;
}

Fd adopt(int fd) {
  if (fd >= 0 && ::fcntl(fd, F_SETFD, FD_CLOEXEC) == -1) throw_errno("take over descriptor {}", fd);
  return Fd(fd);
}

void execute(const Handover& handover) {
  constexpr int kFirst = 3;
  // Whatever our caller had open, a lock or the end of a pipe, must not stay open as long as the container lives.
  ::close_range(kFirst, ~0U, CLOSE_RANGE_CLOEXEC);
  for (const Number& number : kDescriptors)
    if (handover.*number.member >= 0 && ::fcntl(handover.*number.member, F_SETFD, 0) == -1)
      throw_errno("keep descriptor '{}' open", number.key);
  for (const int port : handover.ports)
    if (::fcntl(port, F_SETFD, 0) == -1) throw_errno("keep a published port");
  std::vector<std::string> arguments = to_arguments(handover);
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  // Not by name: the program that is installed by now may be another version.
  // And without the starter's environment, which may hold what nobody should keep.
  char* const no_environment[] = {nullptr};
  ::execve("/proc/self/exe", argv.data(), no_environment);
  const int errnum = errno;
  for (const Number& number : kDescriptors)
    if (handover.*number.member >= 0) ::fcntl(handover.*number.member, F_SETFD, FD_CLOEXEC);
  throw Error(kind_of_errno(errnum), "execute the supervisor", errnum);
}

}  // namespace myct::supervisor
