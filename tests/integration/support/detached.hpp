// What tests of containers that live on have in common: starting one, looking at it, and taking it away.
#pragma once

#include <string>

#include "sandbox.hpp"

namespace myct::test {

class DetachedTest : public ContainerTest {
 protected:
  /// `myct run -d --name NAME OPTIONS… busybox WORDS…`; the id.
  std::string start_program(const std::string& name, const Words& words, const Words& options = {}) const;
  /// The same of `sh -c SCRIPT`.
  std::string start(const std::string& name, const std::string& script, const Words& options = {}) const;
  /// As `myct ps -a` shows it; empty when there is no such container.
  [[nodiscard]] std::string status_of(const std::string& name) const;
  /// Whether it comes to a status that begins so.
  [[nodiscard]] bool becomes(const std::string& name, const std::string& status) const;
  /// Whether its log comes to be this.
  [[nodiscard]] bool logs(const std::string& name, const std::string& text) const;
  void remove(const std::string& name) const;
};

}  // namespace myct::test
