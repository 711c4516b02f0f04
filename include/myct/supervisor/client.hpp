// A user's terminal or pipes on a supervised container: run in the foreground, start -a, attach.
#pragma once

#include <optional>
#include <string>

#include "myct/supervisor/channel.hpp"
#include "myct/supervisor/foreground.hpp"

namespace myct::supervisor {

struct ClientOptions {
  bool tty = false;           ///< the program has a terminal
  Input input = Input::None;  ///< whether stdin goes to the program
  std::string detach_keys;    ///< the bytes; only with a terminal and input. Empty: none
  bool forward_signals = true;
  bool redraw = false;  ///< make a program on a terminal draw itself anew, for one who has just come
};

enum class Leave : uint8_t {
  Ended,     ///< the program has ended, and that is recorded
  Detached,  ///< the user typed the keys, or signals ended this process and not the program
  HungUp,    ///< the user's terminal is gone, or nobody reads this process's output
  Lost,      ///< the supervisor was killed
};

/// How a conversation came to its end.
struct ClientEnd {
  Leave why = Leave::Lost;
  int exit_status = 0;  ///< the program's; 128 + n where a signal or a closed pipe is why; 1 after the third to end
};

/// Copies between this process's streams and the program until it has ended and its end is recorded, the user types the
/// detach keys, or the supervisor dies. Signals collected meanwhile go to `init`. Throws Error.
ClientEnd converse(Channel& channel, FdRef init, const SignalCollector& signals, const ClientOptions& options);

}  // namespace myct::supervisor
