// Datagrams that a relay hands on. Each client has a socket of its own towards the program, so that the program's
// answers find their way back; they leave from the very address that the client has written to. Who has not been
// answered for a while is forgotten, and its next datagram begins anew.
#pragma once

#include <netinet/in.h>

#include <chrono>
#include <cstdint>
#include <list>
#include <string>
#include <unordered_map>
#include <vector>

#include "myct/base/fd.hpp"
#include "poller.hpp"
#include "socket_address.hpp"
#include "stream_relay.hpp"

namespace myct::network {

class DatagramRelay {
 public:
  /// The kinds that its sockets' events have.
  struct Kinds {
    uint8_t door;
    uint8_t session;
  };
  DatagramRelay(Poller& poller, Kinds kinds, FindTarget find_target);

  /// `door` is bound, does not block, and tells where datagrams were sent to (IPV6_RECVPKTINFO). Throws Error.
  void add(Fd door, uint16_t container_port);
  void handle(const Event& event);
  /// Forgets who has not been answered in time.
  void expire();
  /// Until expire() has something to do; -1: never.
  [[nodiscard]] int milliseconds_to_wait() const;

 private:
  using Clock = std::chrono::steady_clock;
  struct Door {
    Fd socket;
    uint16_t container_port = 0;
  };
  /// Who speaks to whom.
  struct Parties {
    SocketAddress client;
    in6_pktinfo own{};  ///< the host's address
    uint16_t door = 0;
    [[nodiscard]] std::string key() const;
  };
  struct Session {
    Fd socket;
    Parties parties;
    Clock::time_point deadline;
    std::list<uint16_t>::iterator place;
    uint32_t generation = 0;
  };

  void read_door(uint16_t index);
  void read_session(uint16_t slot);
  [[nodiscard]] Session* find_or_begin(const Parties& parties);
  [[nodiscard]] Session* begin(const Parties& parties);
  [[nodiscard]] Fd connect_to_program(uint16_t container_port);
  void renew(Session& session);
  void end(uint16_t slot);

  Poller& poller_;
  Kinds kinds_;
  FindTarget find_target_;
  size_t most_;
  std::vector<Door> doors_;
  std::vector<Session> sessions_;
  std::vector<uint16_t> free_;
  std::list<uint16_t> by_deadline_;  ///< the next one first
  std::unordered_map<std::string, uint16_t> by_parties_;
};

}  // namespace myct::network
