// What a supervisor does while its container runs: the program's streams to the log and to the clients, the clients'
// input to the program, and an eye on the program's end.
#pragma once

#include <array>
#include <chrono>
#include <csignal>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "myct/base/fd.hpp"
#include "myct/base/process.hpp"
#include "myct/cgroup/cgroup.hpp"
#include "myct/supervisor/channel.hpp"
#include "myct/supervisor/health_timer.hpp"
#include "myct/supervisor/stream.hpp"

namespace myct::supervisor {

/// Our ends of the program's streams. With a terminal only `console` is valid; what is not wanted is not valid.
struct Streams {
  Fd console;
  Fd input;
  Fd output;
  Fd error;
};

/// Signals that ask a supervisor to end its program in order.
inline constexpr std::array kRequestsToEnd = {SIGTERM, SIGINT, SIGQUIT};

/// How a program is ended.
struct Stop {
  int signal = SIGTERM;
  int seconds = -1;  ///< until SIGKILL; -1: for ever
};

/// What happens is told to the owner of the server.
struct Callbacks {
  std::function<void(Stream, std::string_view)> output;  ///< everything that the program writes
  std::function<void()> out_of_memory;
};

/// Serves one run of a container; single-threaded. The program waits for clients that do not keep up, as if it had
/// their terminals or pipes: for the starter as long as it takes, as its output is what the user looks at; for others
/// as long as they read at all. One that stops reading is sent away after two seconds.
class Server {
 public:
  /// `starter` may be invalid. `listener` is borrowed.
  Server(Streams streams, FdRef listener, Channel starter, std::optional<cgroup::OomWatch> oom, Callbacks callbacks,
         HealthTimer health = {});

  /// Returns when `init` has ended and all that it wrote has been passed on; reaps it. One of kRequestsToEnd makes it
  /// stop the program, as `stop` says. Health checks are done until it ends. Throws Error.
  WaitStatus run(ChildProcess& init, const Stop& stop);
  /// Tells the clients the exit status.
  void tell_end(int exit_status);
  /// Closes all conversations: the clients see the end.
  void close_clients();
  /// Whether SIGTERM has come.
  [[nodiscard]] bool asked_to_end() const noexcept { return asked_to_end_; }
  /// Waits in the way between two runs; false when SIGTERM has come.
  [[nodiscard]] bool pause(std::chrono::milliseconds delay);

 private:
  struct Client {
    Channel channel;
    bool is_starter = false;
    bool leaves = false;  ///< has said Detach
    bool behind = false;  ///< has no room for what is held
  };

  void step(ChildProcess& init, const Stop& stop);
  void kill_when_late(ChildProcess& init);
  void accept_clients();
  void read_client(Client& client);
  void client_gone(Client& client);
  void take_signals(ChildProcess* init, const Stop& stop);
  bool read_stream(Fd& fd, Stream stream);
  void pass_on(Kind kind, std::string_view bytes);
  void flush_held();
  void wait_for_room();
  void send_away_late_clients();
  [[nodiscard]] int patience_left() const;
  [[nodiscard]] int time_left() const;
  void write_input();
  void hang_up();
  [[nodiscard]] Fd& input() noexcept { return streams_.console.valid() ? streams_.console : streams_.input; }

  Streams streams_;
  FdRef listener_;
  Fd signals_;
  std::optional<cgroup::OomWatch> oom_;
  Callbacks callbacks_;
  HealthTimer health_;
  std::vector<Client> clients_;
  MessageBuffer message_;
  std::vector<char> chunk_;
  std::string pending_input_;
  bool close_input_ = false;  ///< when pending_input_ is written
  std::string held_;          ///< output that a client has no room for
  Kind held_kind_{};
  std::chrono::steady_clock::time_point held_since_;
  bool asked_to_end_ = false;
  std::optional<std::chrono::steady_clock::time_point> kill_at_;
};

}  // namespace myct::supervisor
