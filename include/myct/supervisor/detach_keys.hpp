// The keys by which a user leaves a container without ending it (docker-run(1), --detach-keys).
#pragma once

#include <string>
#include <string_view>

namespace myct::supervisor {

constexpr std::string_view kDefaultDetachKeys = "ctrl-p,ctrl-q";

/// The bytes of "ctrl-p,ctrl-q": single characters, or "ctrl-" and one of a-z @ [ \ ] ^ _, separated by commas, or
/// DEL. Empty text: no keys. Throws Error{Usage}.
[[nodiscard]] std::string parse_detach_keys(std::string_view text);

/// Finds the sequence in what is typed. A beginning of it is held back until it is clear what it becomes.
class DetachMatcher {
 public:
  explicit DetachMatcher(std::string keys) : keys_(std::move(keys)) {}

  /// Takes what was typed and returns what the program is to get. After detached() it gets nothing more.
  [[nodiscard]] std::string feed(std::string_view typed);
  [[nodiscard]] bool detached() const noexcept { return !keys_.empty() && held_ == keys_; }

 private:
  std::string keys_;
  std::string held_;  ///< a beginning of the sequence
};

}  // namespace myct::supervisor
