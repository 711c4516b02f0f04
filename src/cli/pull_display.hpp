// How a pull or a push goes, a line for each layer as docker shows it: redrawn in place on a terminal, else written
// once for each stage.
#pragma once

#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

#include "myct/manager/pull.hpp"

namespace myct::cli {

class PullDisplay {
 public:
  enum class Direction : uint8_t { From, To };  ///< the registry
  /// nullptr shows nothing.
  explicit PullDisplay(std::FILE* stream, Direction direction = Direction::From);
  PullDisplay(const PullDisplay&) = delete;
  PullDisplay& operator=(const PullDisplay&) = delete;

  /// Must not outlive this.
  [[nodiscard]] manager::PullObserver observer();
  /// The last lines: digest and status.
  void finish(const manager::PullResult& result);
  void finish(const manager::PushResult& result);

 private:
  struct Line {
    std::string layer;
    manager::LayerStage stage;
    std::chrono::steady_clock::time_point drawn;
  };
  void begin(const registry::RegistryReference& reference);
  void update(const std::string& layer, manager::LayerStage stage, uint64_t done, uint64_t total);
  /// The line's place, at the end when it is new.
  size_t place_of(const std::string& layer);
  void draw(size_t place, const std::string& text, bool is_new);

  std::FILE* stream_;
  Direction direction_;
  bool is_terminal_;
  std::vector<Line> lines_;
};

/// "Downloading [==>   ] 1.2MB/3.4MB", "Pull complete" and so on.
[[nodiscard]] std::string stage_text(manager::LayerStage stage, uint64_t done, uint64_t total);

}  // namespace myct::cli
