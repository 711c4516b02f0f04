// The whole conversation between the parent (engine::spawn, Pending) and the child (init).
//
//        child (init)                            parent
//   1              <-- Proceed ----------------  cgroup joined, network attached
//   2   SendFd{Console} -----------------------> SCM_RIGHTS, only with a terminal; once
//   3   RunHooks ------------------------------> only if there are such: the parent runs prestart and createRuntime
//                  <-- Proceed ----------------
//   4   SendFd{Listener} ----------------------> only with a seccomp profile that notifies; once
//   5   Ready ---------------------------------> everything is done but the exec
//   6   execve closes the socket --------------> end of file *after* Ready = running
//   *   Failed{step, errnum, text} ------------> at any point; then the child exits
//   *   Log{level, text} ----------------------> debug lines and warnings, printed by the parent
//
// An init that has a gate (OCI's create and start) says Created in the place of Ready and closes the socket. It then
// waits for a byte in one FIFO; what fails from then on goes, as a Failed packet, into another, which the exec closes.
//
// A SOCK_SEQPACKET pair: message boundaries are kept and descriptors can travel. A packet that is not drawn here is
// an internal error. No packet is ever empty, because a read of length zero is the end of file.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "myct/base/error.hpp"
#include "myct/base/fd.hpp"
#include "myct/base/log.hpp"
#include "myct/base/step.hpp"

namespace myct::engine {

enum class Tag : uint32_t { Proceed = 1, SendFd, Ready, Failed, Log, RunHooks, Created };

/// What a descriptor is that is sent: Packet::detail.
enum class Sent : uint32_t { Console, Listener };

/// One packet is one write. `text` is not terminated; `length` bytes of it count.
struct Packet {
  static constexpr size_t kTextCapacity = 1000;

  Tag tag{};
  Step step = Step::None;
  int32_t errnum = 0;
  uint32_t detail = 0;  ///< Failed: ErrorKind and exit status; Log: level; SendFd: Sent; first Proceed: the init's pid
  uint32_t length = 0;
  char text[kTextCapacity];

  [[nodiscard]] std::string_view view() const noexcept { return {text, length}; }
  /// Text that does not fit is shortened in its middle: both the call at its start and the object at its end stay.
  void set_text(std::string_view value) noexcept;
};

struct Received {
  Packet packet;
  Fd fd;  ///< what came with it, if anything
};

/// One end of the conversation.
class Handshake {
 public:
  explicit Handshake(Fd socket) noexcept : socket_(std::move(socket)) {}

  void send(const Packet& packet) const;
  void send(Tag tag) const;
  void send_fd(Sent what, FdRef fd) const;
  /// nullopt at end of file: the other side is gone or, after Ready, has exec'ed.
  [[nodiscard]] std::optional<Received> receive() const;
  /// Throws Error unless the next packet is `tag`. Returns its detail.
  uint32_t expect(Tag tag) const;
  /// Reports a failure; never throws, because there is nobody left to tell.
  void fail(Step step, const Error& error) const noexcept;
  [[nodiscard]] FdRef fd() const noexcept { return socket_.ref(); }
  /// Goes on under another descriptor number; what had it is closed.
  void move_to(int number);
  /// Goes on by a FIFO, one way: fail() writes into it. What there was is closed.
  void continue_on(Fd fifo);

 private:
  void send_with(const Packet& packet, std::optional<FdRef> fd) const;
  Fd socket_;
  bool is_fifo_ = false;
};

struct HandshakePair {
  Handshake parent;
  Handshake child;
};
[[nodiscard]] HandshakePair make_handshake();

/// What an init that failed behind its gate has written into its FIFO; nullopt at the FIFO's end. Throws Error.
[[nodiscard]] std::optional<Packet> read_report(FdRef fifo);

/// A Failed packet as the Error that the child threw.
[[nodiscard]] Error error_from(const Packet& packet);

/// The step that the child is in, in memory that both sides see: so that the parent can name it even when the child
/// was killed and said nothing.
class SharedStep {
 public:
  SharedStep();
  SharedStep(const SharedStep&) = delete;
  SharedStep& operator=(const SharedStep&) = delete;
  ~SharedStep();

  void set(Step step) noexcept { *word_ = static_cast<uint32_t>(step); }
  [[nodiscard]] Step get() const noexcept { return static_cast<Step>(*word_); }

 private:
  volatile uint32_t* word_;
};

/// The pid of a process that the child makes for the parent: told by the kernel, in memory of its own that the new
/// process has no part in. What came over the conversation could come from the container, which has power over it.
class SharedPid {
 public:
  SharedPid();
  SharedPid(const SharedPid&) = delete;
  SharedPid& operator=(const SharedPid&) = delete;
  ~SharedPid();

  /// Where clone(2) stores it (CLONE_PARENT_SETTID).
  [[nodiscard]] pid_t* word() noexcept { return word_; }
  void keep_from_children();
  /// 0: there is none, or it was taken. To be asked when the child has ended.
  [[nodiscard]] pid_t take() noexcept { return std::exchange(*word_, 0); }
  [[nodiscard]] pid_t peek() const noexcept { return *word_; }

 private:
  pid_t* word_;
};

}  // namespace myct::engine
