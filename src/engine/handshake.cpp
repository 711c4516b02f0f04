#include "handshake.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>

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

void Handshake::send_with(const Packet& packet, int fd) const {
  iovec data{.iov_base = const_cast<Packet*>(&packet), .iov_len = packet_size(packet.length)};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  if (fd >= 0) {
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
  }
  while (::sendmsg(socket_.get(), &message, MSG_NOSIGNAL) == -1)
    if (errno != EINTR) throw_errno("send to the other side of the start");
}

void Handshake::send(const Packet& packet) const { send_with(packet, -1); }

void Handshake::send(Tag tag) const {
  Packet packet;
  packet.tag = tag;
  send(packet);
}

void Handshake::send_fd(FdRef fd) const {
  Packet packet;
  packet.tag = Tag::SendFd;
  send_with(packet, fd.get());
}

std::optional<Received> Handshake::receive() const {
  Received received;
  iovec data{.iov_base = &received.packet, .iov_len = sizeof received.packet};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ssize_t got = 0;
  do {
    got = ::recvmsg(socket_.get(), &message, MSG_CMSG_CLOEXEC);
    // ECONNRESET: the other side died with packets of ours unread. It is told once; what that side had sent before is
    // still to be read, and then the end of file.
  } while (got == -1 && (errno == EINTR || errno == ECONNRESET));
  if (got == 0) return std::nullopt;
  if (got == -1) throw_errno("receive from the other side of the start");
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    int fd = -1;
    std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
    received.fd = Fd(fd);
  }
  const auto size = static_cast<size_t>(got);
  if (size < packet_size(0) || received.packet.length > Packet::kTextCapacity ||
      size != packet_size(received.packet.length))
    throw_error(ErrorKind::Internal, "malformed packet of {} bytes", size);
  return received;
}

void Handshake::expect(Tag tag) const {
  const std::optional<Received> received = receive();
  if (!received) throw_error(ErrorKind::Internal, "the other side of the start is gone");
  if (received->packet.tag != tag || received->fd.valid())
    throw_error(ErrorKind::Internal, "unexpected packet {}", static_cast<uint32_t>(received->packet.tag));
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
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == -1) throw_errno("make a socket pair");
  return {Handshake(Fd(ends[0])), Handshake(Fd(ends[1]))};
}

SharedStep::SharedStep() : word_(static_cast<volatile uint32_t*>(map_shared(sizeof(uint32_t)))) {}

SharedStep::~SharedStep() { ::munmap(const_cast<uint32_t*>(word_), sizeof(uint32_t)); }

SharedPid::SharedPid() : word_(static_cast<pid_t*>(map_shared(sizeof(pid_t)))) {}

SharedPid::~SharedPid() { ::munmap(word_, sizeof(pid_t)); }

void SharedPid::keep_from_children() {
  if (::madvise(word_, sizeof(pid_t), MADV_DONTFORK) == -1) throw_errno("keep a shared page from children");
}

}  // namespace myct::engine
