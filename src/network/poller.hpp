// Waiting for many descriptors at once (epoll(7)).
#pragma once

#include <sys/epoll.h>

#include <cstdint>
#include <span>

#include "myct/base/fd.hpp"

namespace myct::network {

/// What an event is about: a kind, a place in that kind's table, and which of those that have been at this place, so
/// that an event of one that is gone is not taken for the next one's.
struct EventTag {
  uint8_t kind = 0;
  uint16_t slot = 0;
  uint32_t generation = 0;
};
struct Event {
  EventTag tag;
  uint32_t what = 0;  ///< EPOLLIN and the like
};

class Poller {
 public:
  /// Throws Error.
  Poller();
  /// A descriptor leaves by being closed. Throws Error.
  void add(FdRef fd, uint32_t what, EventTag tag);
  /// The same; false, with errno, when the kernel has no room.
  [[nodiscard]] bool try_add(FdRef fd, uint32_t what, EventTag tag) noexcept;
  void change(FdRef fd, uint32_t what, EventTag tag);
  /// `milliseconds` -1: for ever.
  [[nodiscard]] std::span<const Event> wait(int milliseconds);

 private:
  static constexpr size_t kMost = 64;
  Fd epoll_;
  Event events_[kMost];
};

}  // namespace myct::network
