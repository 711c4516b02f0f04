// The name server at work: takes questions by UDP and TCP, answers what the network knows, and has all else forwarded.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "asker.hpp"
#include "forwarder.hpp"
#include "myct/network/name_server.hpp"
#include "poller.hpp"

namespace myct::network {

/// The sockets of one of the addresses that a server listens on.
struct Listener {
  SocketAddress address;
  Fd datagrams;
  Fd connections;
};
/// On port 53 of the server's addresses, in packets that come by the bridge; on another, the same of all, where another
/// program has that. Throws Error.
[[nodiscard]] std::vector<Listener> listen_for_questions(const NameServer& server);

class NameService {
 public:
  NameService(const NameServer& server, std::vector<Listener> listeners);

  /// Serves until `is_over`, asked whenever something has been written to `watch`, says so.
  void run(FdRef watch, const std::function<bool()>& is_over);

 private:
  enum Kind : uint8_t { kWatch, kDatagrams, kAccept, kConnection, kForwarder };
  struct Connection {
    Fd socket;
    SocketAddress client;
    std::vector<uint8_t> input;
    std::vector<uint8_t> output;
    Clock::time_point last_used;
    uint32_t generation = 0;
    bool is_waiting = false;  ///< for the answer to its question
  };
  void handle(const Event& event);
  void read_datagrams(uint16_t slot);
  void accept_connections(uint16_t slot);
  void handle_connection(const Event& event);
  [[nodiscard]] bool read_connection(Connection& connection);
  [[nodiscard]] bool write_connection(Connection& connection);
  void take_question_of(uint16_t slot);
  void close_idle();
  void answer(dns::Bytes message, const Origin& origin);
  void reply(const Origin& origin, dns::Bytes message);
  [[nodiscard]] bool is_of_the_network(const SocketAddress& client) const;
  [[nodiscard]] std::vector<SocketAddress> servers_for(const Asker& asker) const;
  [[nodiscard]] int milliseconds_to_wait() const;

  NameServer server_;
  std::vector<Subnet> ranges_;
  std::vector<Listener> listeners_;
  Poller poller_;
  Forwarder forwarder_;
  std::vector<Connection> connections_;
};

}  // namespace myct::network
