// A container's directory with nothing but its log in it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "myct/supervisor/log_writer.hpp"

namespace myct::supervisor::test {

/// Made for a test, and removed with it.
class LogDirectory {
 public:
  LogDirectory();
  ~LogDirectory();
  LogDirectory(const LogDirectory&) = delete;
  LogDirectory& operator=(const LogDirectory&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string file(const std::string& name) const { return path_ + "/" + name; }
  [[nodiscard]] std::string read(const std::string& name) const;
  void append(const std::string& name, std::string_view bytes) const;
  /// In order.
  [[nodiscard]] std::vector<std::string> names() const;

  /// A json-file log here.
  [[nodiscard]] LogTarget target(uint64_t max_size = 10'000'000, unsigned max_file = 3) const;

 private:
  std::string path_;
};

/// The lines of a text, without their newlines; one that lacks its newline counts, too.
[[nodiscard]] std::vector<std::string> lines_of(std::string_view text);

}  // namespace myct::supervisor::test
