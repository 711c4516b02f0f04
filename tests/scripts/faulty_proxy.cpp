// Stands between a client and a registry, both on loopback and without TLS, and spoils what a plan names.
// Usage: faulty_proxy PORT UPSTREAM_PORT PLAN
//
// Each line of the file PLAN is TIMES METHOD PATH FAULT ARGUMENTS, for a request of that method whose path holds PATH:
//
//   2 GET /blobs/ cut 100000        the connection ends after so many bytes of the answer's body; of a PUT's, the
//                                   request's
//   1 GET /blobs/ swap 5            the byte at that offset of the same body is another
//   9 PUT /manifests/ status 429 1  an answer of the proxy's own, here with "Retry-After: 1"
//
// A file that was replaced is a new plan. What is done goes to stdout, a line each: FAULT METHOD PATH.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <mutex>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "myct/base/error.hpp"
#include "myct/base/fd.hpp"

namespace myct {
namespace {

enum class Fault : uint8_t { None, Cut, Swap, Status };

struct Rule {
  unsigned times = 0;
  std::string method;
  std::string path;
  std::string fault;
  uint64_t number = 0;      ///< the offset, or the status
  std::string retry_after;  ///< "" without it

  [[nodiscard]] Fault kind() const noexcept {
    if (fault == "cut") return Fault::Cut;
    return fault == "swap" ? Fault::Swap : Fault::Status;
  }
};

/// Which requests are spoilt, and how often still.
class Plan {
 public:
  explicit Plan(std::string path) : path_(std::move(path)) {}

  std::optional<Rule> take(const std::string& method, const std::string& path) {
    const std::lock_guard lock(mutex_);
    read_if_new();
    for (Rule& rule : rules_) {
      if (rule.times == 0 || rule.method != method || path.find(rule.path) == std::string::npos) continue;
      --rule.times;
      std::printf("%s %s %s\n", rule.fault.c_str(), method.c_str(), path.c_str());
      std::fflush(stdout);
      return rule;
    }
    return std::nullopt;
  }

 private:
  void read_if_new() {
    struct stat status {};
    if (::stat(path_.c_str(), &status) == -1) throw_errno("look at '{}'", path_);
    if (status.st_ino == inode_) return;
    inode_ = status.st_ino;
    rules_.clear();
    std::ifstream file(path_);
    for (std::string line; std::getline(file, line);) {
      std::istringstream words(line);
      Rule rule;
      words >> rule.times >> rule.method >> rule.path >> rule.fault >> rule.number >> rule.retry_after;
      rules_.push_back(std::move(rule));
    }
  }

  std::string path_;
  std::mutex mutex_;
  ino_t inode_ = 0;
  std::vector<Rule> rules_;
};

/// False when the other end is gone.
bool send_all(const Fd& socket, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::send(socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(count));
  }
  return true;
}

/// "" at the end, whichever it is.
std::string receive(const Fd& socket) {
  std::array<char, 65536> part;
  const ssize_t count = ::recv(socket.get(), part.data(), part.size(), 0);
  return count <= 0 ? "" : std::string(part.data(), static_cast<size_t>(count));
}

sockaddr_in loopback(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

/// The body of one message on its way, spoilt as a rule says.
class Body {
 public:
  explicit Body(std::optional<Rule> rule) : rule_(std::move(rule)) {}

  /// False when the connection is to end.
  bool pass(std::string bytes, const Fd& to) {
    const uint64_t at = rule_ ? rule_->number : std::numeric_limits<uint64_t>::max();
    const bool holds_it = offset_ <= at && at - offset_ < bytes.size();
    if (holds_it && rule_->kind() == Fault::Swap) bytes[at - offset_] ^= 1;
    const bool is_cut = holds_it && rule_->kind() == Fault::Cut;
    if (is_cut) bytes.resize(at - offset_);
    offset_ += bytes.size();
    return send_all(to, bytes) && !is_cut;
  }

 private:
  std::optional<Rule> rule_;
  uint64_t offset_ = 0;
};

/// Takes the heads of an answer off: one, or more when there is "100 Continue" before.
class Answer {
 public:
  Answer(std::optional<Rule> rule) : body_(std::move(rule)) {}

  bool pass(std::string bytes, const Fd& to) {
    if (is_in_body_) return body_.pass(std::move(bytes), to);
    head_ += bytes;
    for (size_t end = head_.find("\r\n\r\n"); end != std::string::npos; end = head_.find("\r\n\r\n")) {
      const bool is_last = head_.compare(9, 1, "1") != 0;  // "HTTP/1.1 100"
      if (!send_all(to, std::string_view(head_).substr(0, end + 4))) return false;
      head_.erase(0, end + 4);
      if (!is_last) continue;
      is_in_body_ = true;
      return body_.pass(std::move(head_), to);
    }
    return true;
  }

 private:
  std::string head_;
  bool is_in_body_ = false;
  Body body_;
};

/// One request for each connection, so that where it ends is never asked.
std::string without_keeping_alive(const std::string& head) {
  const size_t first_line = head.find("\r\n") + 2;
  return head.substr(0, first_line) + "Connection: close\r\n" + head.substr(first_line);
}

/// The client hears of it even if it is still sending: closing at once would take the answer back.
void answer(const Fd& client, const Rule& rule) {
  std::string text = fmt::format("HTTP/1.1 {} Spoilt\r\nConnection: close\r\nContent-Length: 0\r\n", rule.number);
  if (!rule.retry_after.empty()) text += fmt::format("Retry-After: {}\r\n", rule.retry_after);
  send_all(client, text + "\r\n");
  ::shutdown(client.get(), SHUT_WR);
  while (!receive(client).empty()) {
  }
}

void relay(const Fd& client, const Fd& upstream, Body request, Answer reply) {
  std::array<pollfd, 2> ends{pollfd{.fd = client.get(), .events = POLLIN, .revents = 0},
                             pollfd{.fd = upstream.get(), .events = POLLIN, .revents = 0}};
  for (;;) {
    if (::poll(ends.data(), ends.size(), -1) == -1) return;
    if (ends[1].revents != 0) {
      std::string bytes = receive(upstream);
      if (bytes.empty() || !reply.pass(std::move(bytes), client)) return;
    } else if (ends[0].revents != 0) {
      std::string bytes = receive(client);
      if (bytes.empty() || !request.pass(std::move(bytes), upstream)) return;
    }
  }
}

void serve(const Fd& client, uint16_t upstream_port, Plan& plan) {
  std::string head;
  size_t end = std::string::npos;
  while ((end = head.find("\r\n\r\n")) == std::string::npos) {
    const std::string bytes = receive(client);
    head += bytes;
    if (bytes.empty() || head[0] < 'A' || head[0] > 'Z') return;  // TLS is hung up on
  }
  std::string body = head.substr(end + 4);
  head.resize(end + 4);
  std::string method;
  std::string path;
  std::istringstream(head) >> method >> path;
  const std::optional<Rule> rule = plan.take(method, path);
  if (rule && rule->kind() == Fault::Status) return answer(client, *rule);
  const Fd upstream(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_in address = loopback(upstream_port);
  if (::connect(upstream.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == -1) return;
  const bool sends = method == "PUT" || method == "PATCH";
  Body request(sends ? rule : std::nullopt);
  if (!send_all(upstream, without_keeping_alive(head)) || !request.pass(std::move(body), upstream)) return;
  relay(client, upstream, std::move(request), Answer(sends ? std::nullopt : rule));
}

[[noreturn]] void run(uint16_t port, uint16_t upstream_port, const std::string& plan_file) {
  Plan plan(plan_file);
  const Fd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_in address = loopback(port);
  if (::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == -1 ||
      ::listen(listener.get(), SOMAXCONN) == -1)
    throw_errno("listen at 127.0.0.1:{}", port);
  for (;;) {
    const int client = ::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC);
    if (client == -1) throw_errno("take a connection");
    std::thread([socket = Fd(client), upstream_port, &plan] { serve(socket, upstream_port, plan); }).detach();
  }
}

}  // namespace
}  // namespace myct

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fputs("usage: faulty_proxy PORT UPSTREAM_PORT PLAN\n", stderr);
    return 2;
  }
  try {
    myct::run(static_cast<uint16_t>(std::atoi(argv[1])), static_cast<uint16_t>(std::atoi(argv[2])), argv[3]);
  } catch (const myct::Error& error) {
    std::fprintf(stderr, "faulty_proxy: %s\n", error.what());
    return 1;
  }
}
