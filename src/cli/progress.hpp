// A progress bar on stderr, when that is a terminal.
#pragma once

#include <string>

#include "myct/image/store.hpp"

namespace myct::cli {

/// Draws "Importing alpine [=====>    ] 1.2MB/3.4MB" in place; wiped when destroyed, so that only the result stays.
class ProgressBar {
 public:
  /// `what` is done: "Importing alpine".
  explicit ProgressBar(std::string what);
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;
  ~ProgressBar();

  /// Empty where stderr is no terminal. Must not outlive the bar.
  [[nodiscard]] image::Progress callback();

 private:
  void draw(uint64_t done, uint64_t total);

  std::string what_;
  bool drawn_ = false;
};

/// "========>           ", `width` characters.
[[nodiscard]] std::string bar_text(uint64_t done, uint64_t total, size_t width);

}  // namespace myct::cli
