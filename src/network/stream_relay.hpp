// Connections that a relay hands on: bytes both ways, the end of each way, and what goes wrong.
//
//   client --IPv6--> accept, connect --IPv4--> program
//
// What one side has sent and the other does not take waits here, at most one buffer each way; then the sender waits, as
// nothing is read from it. A side that ends its way (FIN) ends it for the other, and a broken connection is broken for
// the other, too: a client must be able to tell half an answer from a whole one.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "myct/base/fd.hpp"
#include "poller.hpp"
#include "socket_address.hpp"

namespace myct::network {

/// The container's address with this port, as it is now; nullopt: none leads there. Throws Error.
using FindTarget = std::function<std::optional<SocketAddress>(uint16_t port)>;

class StreamRelay {
 public:
  /// The kinds that its sockets' events have.
  struct Kinds {
    uint8_t listener;
    uint8_t client;
    uint8_t server;
  };
  StreamRelay(Poller& poller, Kinds kinds, FindTarget find_target);

  /// `listener` listens already and does not block. Throws Error.
  void add(Fd listener, uint16_t container_port);
  void handle(const Event& event);
  /// Goes on with connections that had more to do than was their turn, and with accepting after a pause.
  void go_on();
  /// Until go_on() has something to do; -1: never.
  [[nodiscard]] int milliseconds_to_wait() const;

 private:
  using Clock = std::chrono::steady_clock;
  struct Listener {
    Fd socket;
    uint16_t container_port = 0;
  };
  /// One way. Its end is read, then, when nothing waits any more, told.
  struct Flow {
    std::vector<char> waiting;
    bool is_read_out = false;
    bool is_ended = false;
  };
  struct Connection {
    Fd client;
    Fd server;
    Flow to_server;
    Flow to_client;
    uint32_t generation = 0;
    bool is_connecting = false;
    bool is_queued = false;  ///< in unfinished_
  };
  enum class Outcome : uint8_t { Waits, HasMore, Broken };

  void accept(uint16_t index);
  void begin(Fd client, Fd server, const SocketAddress& target);
  void handle_side(const Event& event);
  void pump(uint16_t slot);
  [[nodiscard]] static Outcome pump(Flow& flow, const Fd& from, const Fd& to);
  void close(uint16_t slot);
  void abort(uint16_t slot);
  void pause();
  void listen_again();
  [[nodiscard]] std::optional<uint16_t> take_slot();

  Poller& poller_;
  Kinds kinds_;
  FindTarget find_target_;
  std::vector<Listener> listeners_;
  std::vector<Connection> connections_;
  std::vector<uint16_t> free_;
  std::vector<uint16_t> unfinished_;
  std::optional<Clock::time_point> paused_until_;
};

}  // namespace myct::network
