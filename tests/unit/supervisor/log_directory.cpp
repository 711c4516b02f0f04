#include "log_directory.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "myct/base/error.hpp"
#include "myct/base/file.hpp"

namespace myct::supervisor::test {
namespace {

std::string make_directory() {
  std::string name = std::filesystem::temp_directory_path().string() + "/myct-log-XXXXXX";
  if (::mkdtemp(name.data()) == nullptr) throw_errno("make a temporary directory");
  return name;
}

}  // namespace

LogDirectory::LogDirectory() : path_(make_directory()) {}

LogDirectory::~LogDirectory() { remove_tree(path_); }

std::string LogDirectory::read(const std::string& name) const { return read_file(file(name)); }

void LogDirectory::append(const std::string& name, std::string_view bytes) const {
  write_all(open_path(file(name), O_WRONLY | O_APPEND | O_CREAT, 0640).ref(), bytes, name);
}

std::vector<std::string> LogDirectory::names() const {
  std::vector<std::string> names = list_directory(path_, Hidden::Include);
  std::ranges::sort(names);
  return names;
}

LogTarget LogDirectory::target(uint64_t max_size, unsigned max_file) const {
  return {.config = {.driver = state::LogDriver::JsonFile, .max_size = max_size, .max_file = max_file},
          .directory = path_,
          .id = std::string(64, 'a'),
          .name = "web",
          .image = "alpine:latest",
          .journal_socket = path_ + "/journal"};
}

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

}  // namespace myct::supervisor::test
