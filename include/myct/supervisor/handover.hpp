// What a supervisor hands over to itself when it executes its own program again. It does so twice a run: with the
// program running, to be rid of all the memory that starting it took, and to start it again under a restart policy.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "myct/base/fd.hpp"
#include "myct/state/record.hpp"
#include "myct/supervisor/health_timer.hpp"

namespace myct::supervisor {

/// argv[0] of a supervisor, which tells it from a command.
constexpr const char* kSupervisorName = "myct-supervisor";

/// Descriptors are numbers here, -1 for none: they are owned by nobody while they cross the exec.
struct Handover {
  std::string root;
  std::string runtime_dir;
  std::string id;
  std::string name;
  std::string image;
  int init_pid = 0;  ///< 0: the program is to be started
  int init = -1;     ///< its pidfd
  int console = -1;
  int input = -1;
  int output = -1;
  int error = -1;
  int listener = -1;
  int owner = -1;          ///< the owner's lock
  int starter = -1;        ///< the conversation with the myct that started this
  std::vector<int> ports;  ///< sockets that keep published ports of the host from others
  int stop_signal = 15;
  int stop_seconds = -1;  ///< from that to SIGKILL; -1: for ever
  std::string cgroup;
  state::LogConfig log;
  int64_t started_milliseconds = 0;  ///< by the monotonic clock
  int64_t delay_milliseconds = 0;    ///< before the last restart; 0: none
  HealthTimes health;
};

/// As a command line. Pure.
[[nodiscard]] std::vector<std::string> to_arguments(const Handover& handover);
/// The inverse; throws Error{Usage} for what to_arguments does not make.
[[nodiscard]] Handover handover_from_arguments(int argc, char** argv);

/// Owns a descriptor of a handover; -1 makes an invalid one. Throws Error.
[[nodiscard]] Fd adopt(int fd);

/// Executes this program anew; all descriptors but the handover's, 0, 1 and 2 are closed. Throws Error where it cannot
/// be executed.
[[noreturn]] void execute(const Handover& handover);

}  // namespace myct::supervisor
