// The journald log: a datagram for each line, in the journal's native protocol, with the fields that Docker's driver of
// this name sends. Runs in the supervisor. See https://systemd.io/JOURNAL_NATIVE_PROTOCOL.
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <array>
#include <cstring>

#include "line_cutter.hpp"
#include "myct/base/error.hpp"
#include "myct/base/units.hpp"
#include "myct/supervisor/log_writer.hpp"

namespace myct::supervisor {
namespace {

constexpr timeval kPatience = {.tv_sec = 0, .tv_usec = 200'000};

/// One field. A value with control characters, of which a newline would end it, has the binary form: its length in 64
/// bits, lowest byte first.
void append_field(std::string& out, std::string_view name, std::string_view value) {
  constexpr int kBytes = 8;
  out += name;
  bool binary = false;
  for (const char c : value) binary = binary || static_cast<unsigned char>(c) < 0x20;
  if (binary) {
    out += '\n';
    for (int byte = 0; byte < kBytes; ++byte)
      out += static_cast<char>(static_cast<uint64_t>(value.size()) >> (8 * byte) & 0xff);
  } else {
    out += '=';
  }
  out += value;
  out += '\n';
}

std::string container_fields(const LogTarget& target) {
  const std::string tag = short_id(target.id);
  std::string fields;
  append_field(fields, "CONTAINER_ID", tag);
  append_field(fields, "CONTAINER_ID_FULL", target.id);
  append_field(fields, "CONTAINER_NAME", target.name);
  append_field(fields, "CONTAINER_TAG", tag);
  append_field(fields, "IMAGE_NAME", target.image);
  append_field(fields, "SYSLOG_IDENTIFIER", tag);
  return fields;
}

class JournaldLog final : public LogWriter {
 public:
  explicit JournaldLog(const LogTarget& target) : fields_(container_fields(target)) {
    if (target.journal_socket.size() >= sizeof address_.sun_path)
      throw_error(ErrorKind::Invalid, "the journal's socket '{}': the path is too long", target.journal_socket);
    std::memcpy(address_.sun_path, target.journal_socket.c_str(), target.journal_socket.size() + 1);
    socket_ = Fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!socket_.valid()) throw_errno("make a socket");
    if (::setsockopt(socket_.get(), SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof kPatience) == -1)
      throw_errno("set a socket's time-out");
    if (!connect())
      throw Error(ErrorKind::Unsupported, fmt::format("connect to the journal at '{}'", target.journal_socket), errno,
                  "it needs a running systemd-journald; choose another --log-driver");
  }

  void write(Stream stream, std::string_view bytes) override {
    cutter_of(stream).feed(bytes, [&](std::string_view text, Ending ending) { send(text, ending, stream); });
  }

  void finish() override {
    for (const Stream stream : {Stream::Stdout, Stream::Stderr})
      cutter_of(stream).finish([&](std::string_view text, Ending ending) { send(text, ending, stream); });
  }

 private:
  LineCutter& cutter_of(Stream stream) noexcept { return cutters_[stream == Stream::Stderr ? 1 : 0]; }

  void send(std::string_view text, Ending ending, Stream stream) {
    datagram_ = fields_;
    append_field(datagram_, "PRIORITY", stream == Stream::Stderr ? "3" : "6");
    if (ending == Ending::Cut) append_field(datagram_, "CONTAINER_PARTIAL_MESSAGE", "true");
    append_field(datagram_, "MESSAGE", text);
    if (!try_send()) count_dropped(1);
  }

  bool try_send() {
    bool sent = send_once();
    // The journal was started anew, and its socket is another.
    if (!sent && (errno == ECONNREFUSED || errno == ENOTCONN || errno == ECONNRESET)) sent = connect() && send_once();
    // One that does not read is waited for once, not for every line: the container would come to a halt.
    stalled_ = !sent;
    return sent;
  }

  bool send_once() {
    for (;;) {
      const int flags = MSG_NOSIGNAL | (stalled_ ? MSG_DONTWAIT : 0);
      if (::send(socket_.get(), datagram_.data(), datagram_.size(), flags) != -1) return true;
      if (errno != EINTR) return false;
    }
  }

  bool connect() {
    return ::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address_), sizeof address_) == 0;
  }

  std::string fields_;
  sockaddr_un address_ = {.sun_family = AF_UNIX, .sun_path = {}};
  Fd socket_;
  bool stalled_ = false;
  std::array<LineCutter, 2> cutters_;
  std::string datagram_;
};

}  // namespace

std::unique_ptr<LogWriter> open_journald_log(const LogTarget& target) { return std::make_unique<JournaldLog>(target); }

}  // namespace myct::supervisor
