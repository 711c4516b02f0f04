#include "fake_server.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <optional>

#include "myct/base/error.hpp"
#include "myct/base/units.hpp"

namespace myct::registry {
namespace {

constexpr int kPatience = 50;  // milliseconds between looks at whether the server is to stop
constexpr size_t kLongestHead = 64 << 10;

/// Reads requests from one connection.
class Reader {
 public:
  Reader(int socket, const std::atomic<bool>& stopped) : socket_(socket), stopped_(stopped) {}

  std::optional<std::string> head() {
    for (;;) {
      if (const size_t end = buffer_.find("\r\n\r\n"); end != std::string::npos) return take(end + 4);
      const bool is_http = buffer_.empty() || (buffer_[0] >= 'A' && buffer_[0] <= 'Z');
      if (!is_http || buffer_.size() > kLongestHead || !fill()) return std::nullopt;
    }
  }
  std::optional<std::string> bytes(size_t count) {
    while (buffer_.size() < count)
      if (!fill()) return std::nullopt;
    return take(count);
  }

 private:
  std::string take(size_t count) {
    std::string taken = buffer_.substr(0, count);
    buffer_.erase(0, count);
    return taken;
  }
  bool fill() {
    pollfd waiting{.fd = socket_, .events = POLLIN, .revents = 0};
    while (::poll(&waiting, 1, kPatience) == 0)
      if (stopped_.load()) return false;
    std::array<char, 65536> part;
    const ssize_t count = ::recv(socket_, part.data(), part.size(), 0);
    if (count <= 0) return false;
    buffer_.append(part.data(), static_cast<size_t>(count));
    return true;
  }
  int socket_;
  const std::atomic<bool>& stopped_;
  std::string buffer_;
};

FakeRequest parse_head(const std::string& head) {
  FakeRequest request;
  const size_t first_line = head.find("\r\n");
  const size_t space = head.find(' ');
  request.method = head.substr(0, space);
  request.target = head.substr(space + 1, head.find(' ', space + 1) - space - 1);
  for (size_t start = first_line + 2; start < head.size();) {
    const size_t end = head.find("\r\n", start);
    const std::string line = head.substr(start, end - start);
    if (const size_t colon = line.find(": "); colon != std::string::npos) {
      std::string name = line.substr(0, colon);
      std::ranges::transform(name, name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
      request.headers[name] = line.substr(colon + 2);
    }
    start = end + 2;
  }
  return request;
}

}  // namespace

std::string FakeRequest::header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? "" : found->second;
}

void FakeReply::answer(int status, std::string_view body, const FakeHeaders& headers) {
  std::string text = fmt::format("HTTP/1.1 {} Whatever\r\n", status);
  const bool has_length =
      std::ranges::any_of(headers, [](const auto& header) { return header.first == "Content-Length"; });
  if (!has_length) text += fmt::format("Content-Length: {}\r\n", body.size());
  for (const auto& [name, value] : headers) text += name + ": " + value + "\r\n";
  text += "\r\n";
  if (!without_body_) text += body;
  raw(text);
}

bool FakeReply::raw(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(count));
  }
  return true;
}

FakeServer::FakeServer(Handler handler)
    : handler_(std::move(handler)), listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (!listener_.valid() || ::bind(listener_.get(), generic, size) == -1 || ::listen(listener_.get(), 64) == -1 ||
      ::getsockname(listener_.get(), generic, &size) == -1)
    throw_errno("listen at 127.0.0.1");
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { listen_for_clients(); });
}

FakeServer::~FakeServer() {
  stopped_ = true;
  acceptor_.join();
  for (std::thread& client : clients_) client.join();
}

void FakeServer::listen_for_clients() {
  while (!stopped_.load()) {
    pollfd waiting{.fd = listener_.get(), .events = POLLIN, .revents = 0};
    if (::poll(&waiting, 1, kPatience) <= 0) continue;
    const int socket = ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC);
    if (socket >= 0) clients_.emplace_back([this, socket] { serve(Fd(socket)); });
  }
}

void FakeServer::serve(Fd socket) {
  Reader reader(socket.get(), stopped_);
  while (const std::optional<std::string> head = reader.head()) {
    FakeRequest request = parse_head(*head);
    FakeReply reply(socket.get());
    if (request.header("expect") == "100-continue") reply.raw("HTTP/1.1 100 Continue\r\n\r\n");
    const std::optional<std::string> body =
        reader.bytes(static_cast<size_t>(parse_unsigned(request.header("content-length")).value_or(0)));
    if (!body) return;
    request.body = *body;
    if (request.method == "HEAD") reply.leave_body_out();
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back(request);
    }
    handler_(request, reply);
    if (reply.is_cut()) return;
  }
}

std::vector<FakeRequest> FakeServer::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

size_t FakeServer::count(std::string_view method, std::string_view path) const {
  const std::lock_guard lock(mutex_);
  return static_cast<size_t>(std::ranges::count_if(
      requests_, [&](const FakeRequest& request) { return request.method == method && request.path() == path; }));
}

}  // namespace myct::registry
