// Makes lines of a stream that arrives in pieces of any size.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace myct::supervisor {

/// What a piece of a line ends with.
enum class Ending : uint8_t {
  Newline,
  Cut,          ///< the line is longer than kLongestLine and goes on in the next piece
  EndOfStream,  ///< there never was a newline
};

/// The longest piece, its newline included; Docker's bound.
constexpr size_t kLongestLine = 16UL * 1024;

/// How many bytes at the end of `text` begin a UTF-8 sequence and do not end it: 0 to 3.
[[nodiscard]] size_t unfinished_character(std::string_view text) noexcept;

/// Calls its `emit(text, Ending)` for pieces of lines, their newlines left out. A line that has arrived in one piece is
/// handed on where it lies.
class LineCutter {
 public:
  template <typename Emit>
  void feed(std::string_view bytes, Emit&& emit) {
    while (!bytes.empty()) {
      const size_t room = kLongestLine - pending_.size();
      const std::string_view window = bytes.substr(0, room);
      if (const size_t end = window.find('\n'); end != std::string_view::npos) {
        emit_joined(window.substr(0, end), emit);
        bytes.remove_prefix(end + 1);
      } else if (window.size() == room) {
        bytes.remove_prefix(cut(window, emit));
      } else {
        hold(window);
        return;
      }
    }
  }

  template <typename Emit>
  void finish(Emit&& emit) {
    if (!pending_.empty()) emit(std::string_view(pending_), Ending::EndOfStream);
    pending_.clear();
  }

 private:
  template <typename Emit>
  void emit_joined(std::string_view rest, Emit& emit) {
    if (pending_.empty()) return emit(rest, Ending::Newline);
    hold(rest);
    emit(std::string_view(pending_), Ending::Newline);
    pending_.clear();
  }

  /// Emits the longest piece that there may be, but no half character. Returns how much of `window` is done with.
  template <typename Emit>
  size_t cut(std::string_view window, Emit& emit) {
    if (pending_.empty()) {
      const size_t size = window.size() - unfinished_character(window);
      emit(window.substr(0, size), Ending::Cut);
      return size;
    }
    hold(window);
    const size_t size = pending_.size() - unfinished_character(pending_);
    emit(std::string_view(pending_).substr(0, size), Ending::Cut);
    pending_.erase(0, size);
    return window.size();
  }

  void hold(std::string_view bytes) {
    pending_.reserve(kLongestLine);  // once and for all: growing would leave holes in a heap that lives for long
    pending_ += bytes;
  }

  std::string pending_;
};

}  // namespace myct::supervisor
