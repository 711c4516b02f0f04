#include "poller.hpp"

#include <cerrno>

#include "myct/base/error.hpp"

namespace myct::network {
namespace {

constexpr unsigned kKindShift = 56;
constexpr unsigned kSlotShift = 32;

uint64_t pack(EventTag tag) {
  return (uint64_t{tag.kind} << kKindShift) | (uint64_t{tag.slot} << kSlotShift) | tag.generation;
}

EventTag unpack(uint64_t bits) {
  return {.kind = static_cast<uint8_t>(bits >> kKindShift),
          .slot = static_cast<uint16_t>(bits >> kSlotShift),
          .generation = static_cast<uint32_t>(bits)};
}

}  // namespace

Poller::Poller() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  if (!epoll_.valid()) throw_errno("make an epoll descriptor");
}

void Poller::add(FdRef fd, uint32_t what, EventTag tag) {
  if (!try_add(fd, what, tag)) throw_errno("watch a descriptor");
}

bool Poller::try_add(FdRef fd, uint32_t what, EventTag tag) noexcept {
  epoll_event event{.events = what, .data = {.u64 = pack(tag)}};
  return ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd.get(), &event) == 0;
}

void Poller::change(FdRef fd, uint32_t what, EventTag tag) {
  epoll_event event{.events = what, .data = {.u64 = pack(tag)}};
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd.get(), &event) == -1) throw_errno("watch a descriptor");
}

std::span<const Event> Poller::wait(int milliseconds) {
  epoll_event events[kMost];
  const int count = ::epoll_wait(epoll_.get(), events, kMost, milliseconds);
  if (count == -1 && errno != EINTR) throw_errno("wait for events");
  for (int index = 0; index < count; ++index)
    events_[index] = {.tag = unpack(events[index].data.u64), .what = events[index].events};
  return {events_, static_cast<size_t>(count > 0 ? count : 0)};
}

}  // namespace myct::network
