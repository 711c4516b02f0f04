#include "myct/base/undo.hpp"

#include "myct/base/error.hpp"
#include "myct/base/log.hpp"

namespace myct {

void UndoStack::run() noexcept {
  while (!steps_.empty()) {
    const UndoStep step = std::move(steps_.back());
    steps_.pop_back();
    try {
      step.undo();
    } catch (const Error& error) {
      log::debug("undo {}: {}", step.what, error.what());
    }
  }
}

}  // namespace myct
