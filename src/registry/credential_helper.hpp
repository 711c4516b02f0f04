// The programs docker-credential-NAME, which keep secrets in key rings of all kinds. What is written to them and read
// from them is docker's protocol (github.com/docker/docker-credential-helpers).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "myct/registry/credentials.hpp"

namespace myct::registry {

class CredentialHelper {
 public:
  /// Throws Error{Invalid} when `name` could not be a part of a program's name.
  explicit CredentialHelper(std::string_view name);

  [[nodiscard]] const std::string& program() const noexcept { return program_; }
  /// nullopt when it keeps nothing for `server`. Throws Error when it cannot be run, or fails otherwise.
  [[nodiscard]] std::optional<Credentials> get(const std::string& server) const;
  void store(const std::string& server, const Credentials& credentials) const;
  /// False when it kept nothing.
  bool erase(const std::string& server) const;

 private:
  struct Answer {
    bool succeeded;
    std::string text;
  };
  [[nodiscard]] Answer run(const char* action, std::string_view input) const;
  [[noreturn]] void fail(const char* action, const std::string& server, const std::string& answer) const;
  std::string program_;
};

}  // namespace myct::registry
