// Shared libraries that are loaded when they are needed: what few commands use must not cost every start.
#pragma once

#include <string>

namespace myct {

/// A shared library, which stays loaded: to unload it would gain nothing.
class Library {
 public:
  /// Loads `name`, such as "libfoo.so.1". Throws Error{Unsupported} with `what_for` and `remedy` where it is absent.
  Library(const char* name, std::string_view what_for, const char* remedy);

  /// The function `symbol`, whose type is `Function`. Throws Error{Unsupported} when there is none.
  template <typename Function>
  [[nodiscard]] Function* find(const char* symbol) const {
    return reinterpret_cast<Function*>(find_symbol(symbol));
  }

 private:
  [[nodiscard]] void* find_symbol(const char* symbol) const;
  std::string name_;
  void* handle_;
};

}  // namespace myct
