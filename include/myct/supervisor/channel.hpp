// The conversation between a supervisor and its clients: the myct that starts a container, and those that attach.
//
//        client                                  supervisor
//   1           <-- Started (+ init's pidfd) ---  to the starter only: the program runs
//               <-- Failed{error} --------------  to the starter only: it does not, and nobody supervises it
//   2           <-- Stdout, Stderr -------------  what the program writes, to every client
//       Stdin, CloseStdin, Resize ------------->  what a client types
//       Detach -------------------------------->  the client leaves, which is no hang-up
//   3           <-- Ended{status} --------------  the program's exit status; the end of file follows when it is
//   recorded
//
// SOCK_SEQPACKET: a message is one packet, its kind in the first byte. Clients are root, as the directory of the
// socket lets nobody else in.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "myct/base/error.hpp"
#include "myct/base/fd.hpp"

namespace myct::supervisor {

/// Console is not among these: it brings a command's terminal from the process that started it (exec).
enum class Kind : uint8_t { Started = 1, Failed, Stdout, Stderr, Ended, Stdin, CloseStdin, Resize, Detach, Console };

/// The longest payload of a message.
constexpr size_t kLongestPayload = 32 * 1024;

struct Message {
  Kind kind{};
  std::string_view payload;  ///< valid until the buffer is used again
  Fd fd;                     ///< what came with it, if anything
};

/// Where a message is received.
using MessageBuffer = std::vector<char>;

class Channel {
 public:
  Channel() = default;
  explicit Channel(Fd socket) noexcept : socket_(std::move(socket)) {}

  [[nodiscard]] FdRef fd() const noexcept { return socket_.ref(); }
  [[nodiscard]] bool valid() const noexcept { return socket_.valid(); }
  [[nodiscard]] int release() noexcept { return socket_.release(); }
  void close() noexcept { socket_.reset(); }

  enum class Sent : uint8_t { Yes, Full, Gone };
  /// Never waits.
  [[nodiscard]] Sent try_send(Kind kind, std::string_view payload,
                              std::optional<FdRef> fd = std::nullopt) const noexcept;
  /// Waits until there is room; throws Error when the other side is gone.
  void send(Kind kind, std::string_view payload = {}, std::optional<FdRef> fd = std::nullopt) const;
  /// The next message; nullopt at the end. `wait` says whether to wait for it; without, nullopt too when there is none.
  enum class Wait : uint8_t { No, Yes };
  [[nodiscard]] std::optional<Message> receive(MessageBuffer& buffer, Wait wait) const;
  /// Whether the other side has gone and everything that it said has been read.
  [[nodiscard]] bool at_end() const noexcept { return at_end_; }

 private:
  Fd socket_;
  mutable bool at_end_ = false;
};

struct ChannelPair {
  Channel client;
  Channel supervisor;
};
[[nodiscard]] ChannelPair make_channel();

/// An Error as a payload, and back.
[[nodiscard]] std::string pack_error(const Error& error);
[[nodiscard]] Error unpack_error(std::string_view payload);

/// Numbers as payloads.
[[nodiscard]] std::string pack_numbers(std::initializer_list<int> numbers);
/// Exactly `count` numbers; throws Error{Internal} for anything else.
[[nodiscard]] std::vector<int> unpack_numbers(std::string_view payload, size_t count);

/// The socket "attach" in a container's run directory; clients of a supervisor come by it. Throws Error.
[[nodiscard]] Fd listen_for_clients(const std::string& run_directory);
/// nullopt when nobody listens there.
[[nodiscard]] std::optional<Channel> connect_to_supervisor(const std::string& run_directory);

}  // namespace myct::supervisor
