#include "handshake.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <climits>
#include <cstddef>
#include <cstring>

#include "myct/base/socket.hpp"

namespace myct::engine {
namespace {

constexpr uint32_t kExitStatusShift = 8;

constexpr size_t packet_size(uint32_t length) { return offsetof(Packet, text) + length; }

void* map_shared(size_t size) {
  void* page = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) throw_errno("map a shared page");
  return page;
}

}  // namespace

void Packet::set_text(std::string_view value) noexcept {
  constexpr std::string_view kEllipsis = "…";
  if (value.size() <= kTextCapacity) {
    std::memcpy(text, value.data(), value.size());
    length = static_cast<uint32_t>(value.size());
    return;
  }
  constexpr size_t kHead = (kTextCapacity - kEllipsis.size()) / 2;
  constexpr size_t kTail = kTextCapacity - kEllipsis.size() - kHead;
  std::memcpy(text, value.data(), kHead);
  std::memcpy(text + kHead, kEllipsis.data(), kEllipsis.size());
  std::memcpy(text + kHead + kEllipsis.size(), value.data() + value.size() - kTail, kTail);
  length = kTextCapacity;
}

void Handshake::send_with(const Packet& packet, std::optional<FdRef> fd) const {
  if (is_fifo_) {
    // In one piece: it is shorter than PIPE_BUF. Nobody reads what is not a failure.
    static_assert(sizeof(Packet) <= PIPE_BUF);
    if (packet.tag == Tag::Failed && ::write(socket_.get(), &packet, packet_size(packet.length)) == -1)
      throw_errno("report to who starts the container");
    return;
  }
  iovec data{.iov_base = const_cast<Packet*>(&packet), .iov_len = packet_size(packet.length)};
  if (send_message(socket_.ref(), {&data, 1}, fd, 0) == -1) throw_errno("send to the other side of the start");
}

void Handshake::send(const Packet& packet) const { send_with(packet, std::nullopt); }

void Handshake::send(Tag tag) const {
  Packet packet;
  packet.tag = tag;
  send(packet);
}

void Handshake::send_fd(Sent what, FdRef fd) const {
  Packet packet;
  packet.tag = Tag::SendFd;
  packet.detail = static_cast<uint32_t>(what);
  send_with(packet, fd);
}

std::optional<Received> Handshake::receive() const {
  Received received;
  const std::span<char> buffer(reinterpret_cast<char*>(&received.packet), sizeof received.packet);
  const ssize_t got = receive_message(socket_.ref(), buffer, received.fd, 0);
  if (got == 0) return std::nullopt;
  if (got == -1) throw_errno("receive from the other side of the start");
  const auto size = static_cast<size_t>(got);
  if (size < packet_size(0) || received.packet.length > Packet::kTextCapacity ||
      size != packet_size(received.packet.length))
    throw_error(ErrorKind::Internal, "malformed packet of {} bytes", size);
  return received;
}

uint32_t Handshake::expect(Tag tag) const {
  const std::optional<Received> received = receive();
  if (!received) throw_error(ErrorKind::Internal, "the other side of the start is gone");
  if (received->packet.tag != tag || received->fd.valid())
    throw_error(ErrorKind::Internal, "unexpected packet {}", static_cast<uint32_t>(received->packet.tag));
  return received->packet.detail;
}

void Handshake::fail(Step step, const Error& error) const noexcept {
  Packet packet;
  packet.tag = Tag::Failed;
  packet.step = step;
  packet.errnum = error.errnum();
  packet.detail =
      static_cast<uint32_t>(error.kind()) | (static_cast<uint32_t>(error.exit_status()) << kExitStatusShift);
  try {
    // The hint is rare and short; a unit separator keeps it apart without a second field.
    packet.set_text(error.hint().empty() ? error.subject() : error.subject() + '\x1f' + error.hint());
    send(packet);
  } catch (const std::exception&) {
    // The parent learns from the end of file and the shared step instead.
  }
}

void Handshake::move_to(int number) {
  if (socket_.get() == number) return;
  if (::dup3(socket_.get(), number, O_CLOEXEC) == -1) throw_errno("move descriptor {}", socket_.get());
  socket_ = Fd(number);
}

void Handshake::continue_on(Fd fifo) {
  socket_ = std::move(fifo);
  is_fifo_ = true;
}

std::optional<Packet> read_report(FdRef fifo) {
  Packet packet;
  ssize_t got = 0;
  while ((got = ::read(fifo.get(), &packet, sizeof packet)) == -1)
    if (errno != EINTR) throw_errno("read the report of the container's init");
  if (got == 0) return std::nullopt;
  if (static_cast<size_t>(got) < packet_size(0) || packet.length > Packet::kTextCapacity ||
      static_cast<size_t>(got) < packet_size(packet.length) || packet.tag != Tag::Failed)
    throw_error(ErrorKind::Internal, "malformed report of {} bytes", got);
  return packet;
}

Error error_from(const Packet& packet) {
  std::string_view subject = packet.view();
  std::string_view hint;
  if (const size_t separator = subject.find('\x1f'); separator != std::string_view::npos) {
    hint = subject.substr(separator + 1);
    subject = subject.substr(0, separator);
  }
  Error error(static_cast<ErrorKind>(packet.detail & 0xffU), std::string(subject), packet.errnum, std::string(hint));
  error.set_exit_status(static_cast<int>(packet.detail >> kExitStatusShift));
  return error;
}

HandshakePair make_handshake() {
  SocketPair pair = make_socket_pair();
  return {Handshake(std::move(pair.one)), Handshake(std::move(pair.other))};
}

SharedStep::SharedStep() : word_(static_cast<volatile uint32_t*>(map_shared(sizeof(uint32_t)))) {}

SharedStep::~SharedStep() { ::munmap(const_cast<uint32_t*>(word_), sizeof(uint32_t)); }

SharedPid::SharedPid() : word_(static_cast<pid_t*>(map_shared(sizeof(pid_t)))) {}

SharedPid::~SharedPid() { ::munmap(word_, sizeof(pid_t)); }

void SharedPid::keep_from_children() {
  if (::madvise(word_, sizeof(pid_t), MADV_DONTFORK) == -1) throw_errno("keep a shared page from children");
}

}  // namespace myct::engine
