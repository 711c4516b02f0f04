// Questions that are asked elsewhere: each goes to one server after another until one answers.
//
//   client --question--> start --UDP or TCP--> server 1 --time-out, refusal, SERVFAIL--> server 2 … --> client
//
// Each has a socket of its own, on a port of the kernel's choice, and connected: the kernel keeps away what any other
// sender sends, and a forger has to guess the port and the random id. How many there are at once is bounded, for all
// and for each client.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <string>
#include <unordered_map>
#include <vector>

#include "dns_message.hpp"
#include "myct/base/fd.hpp"
#include "poller.hpp"
#include "socket_address.hpp"

namespace myct::network {

using Clock = std::chrono::steady_clock;

/// Where an answer goes.
struct Origin {
  SocketAddress client;
  uint16_t slot = 0;        ///< of the socket that the question came to, or of the connection
  uint32_t connection = 0;  ///< the connection's generation
  bool is_connection = false;
};

class Forwarder {
 public:
  using Reply = std::function<void(const Origin& origin, std::span<uint8_t> answer)>;
  /// Its sockets' events have `kind`.
  Forwarder(Poller& poller, uint8_t kind, Reply reply);

  /// What comes of it is told by `reply`, perhaps before this returns. `message` is the whole question.
  void start(dns::Query query, dns::Bytes message, const Origin& origin, std::vector<SocketAddress> servers);
  void handle(const Event& event);
  /// Goes on where a server has not answered in time.
  void expire();
  /// Until expire() has something to do; -1: never.
  [[nodiscard]] int milliseconds_to_wait() const;

 private:
  struct Question {
    dns::Query query;
    std::vector<uint8_t> message;
    Origin origin;
    std::vector<SocketAddress> servers;
    size_t turn = 0;  ///< servers asked so far, each perhaps more than once
    Fd socket;
    bool is_stream = false;
    bool is_truncated = false;       ///< it is asked again by TCP
    uint16_t id = 0;                 ///< towards the server
    std::vector<uint8_t> buffer;     ///< TCP: what is still to be sent, then what has come
    bool is_sent = false;            ///< TCP: all of it
    std::vector<uint8_t> otherwise;  ///< the answer for want of a better one
    Clock::time_point deadline;
    std::list<uint16_t>::iterator place;
    uint32_t generation = 0;
    bool is_free = true;
  };
  struct Silent {
    SocketAddress server;
    Clock::time_point until;
  };
  [[nodiscard]] static const SocketAddress& server_of(const Question& question);
  void note_silence(const SocketAddress& server);
  void forget_silence(const SocketAddress& server);
  void put_silent_last(std::vector<SocketAddress>& servers);
  [[nodiscard]] Question* find(EventTag tag);
  [[nodiscard]] uint16_t take_slot();
  void ask_next(uint16_t slot);
  [[nodiscard]] bool try_ask(uint16_t slot, const SocketAddress& server);
  void read_datagram(uint16_t slot);
  void go_on_stream(uint16_t slot, uint32_t what);
  [[nodiscard]] bool send_stream(Question& question);
  void read_stream(uint16_t slot);
  void take_reply(uint16_t slot, std::span<uint8_t> message, const dns::Reply& reply);
  void close_socket(Question& question);
  void finish(uint16_t slot, std::span<uint8_t> answer);
  void refuse(const dns::Query& query, const Origin& origin);

  Poller& poller_;
  uint8_t kind_;
  Reply reply_;
  std::vector<Question> questions_;
  std::vector<uint16_t> free_;
  std::list<uint16_t> by_deadline_;  ///< the next one first
  std::unordered_map<std::string, unsigned> per_client_;
  std::vector<Silent> silent_;
  unsigned streams_ = 0;
};

}  // namespace myct::network
