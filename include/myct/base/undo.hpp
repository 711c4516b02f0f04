// What has to be taken back when a sequence of steps fails half-way.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace myct {

/// A list of undo steps, run in reverse when destroyed, unless committed. Undo steps must be idempotent; one that
/// throws an Error is logged at debug level and the next is run all the same.
class UndoStack {
 public:
  UndoStack() = default;
  UndoStack(const UndoStack&) = delete;
  UndoStack& operator=(const UndoStack&) = delete;
  ~UndoStack() { run(); }

  void push(std::string what, std::function<void()> undo) { steps_.push_back({std::move(what), std::move(undo)}); }
  /// Everything worked: forget the steps.
  void commit() noexcept { steps_.clear(); }
  /// Takes everything back now.
  void run() noexcept;

 private:
  struct UndoStep {
    std::string what;
    std::function<void()> undo;
  };
  std::vector<UndoStep> steps_;
};

}  // namespace myct
