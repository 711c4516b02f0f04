// How far a long reading has come, told now and then.
#pragma once

#include <chrono>
#include <cstdint>

#include "myct/image/store.hpp"

namespace myct::image {

/// Passes progress on about ten times a second.
class Meter {
 public:
  Meter(const Progress& progress, uint64_t total) : progress_(progress), total_(total) {}
  void update(uint64_t done) {
    if (!progress_) return;
    const auto now = std::chrono::steady_clock::now();
    if (done != total_ && now < next_) return;
    next_ = now + std::chrono::milliseconds(100);
    progress_(done, total_);
  }

 private:
  const Progress& progress_;
  uint64_t total_;
  std::chrono::steady_clock::time_point next_{};
};

}  // namespace myct::image
