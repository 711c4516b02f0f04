#include "output.hpp"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "myct/base/error.hpp"
#include "myct/base/file.hpp"

namespace myct::cli {
namespace {

constexpr size_t kColumnGap = 3;
constexpr size_t kNarrowestColumn = 10;

std::string& buffer() {
  static std::string text;
  return text;
}

/// Characters, not bytes: UTF-8 continuation bytes take no place on the terminal.
size_t display_width(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

}  // namespace

std::string version_line() { return "myct version " MYCT_VERSION; }

void print_line(std::string_view line) { buffer().append(line).push_back('\n'); }

void print_text(std::string_view text) { buffer().append(text); }

std::string take_output() { return std::exchange(buffer(), std::string()); }

bool flush_output() {
  const std::string text = take_output();
  if (text.empty()) return true;
  try {
    write_all(FdRef(STDOUT_FILENO), text, "standard output");
    return true;
  } catch (const Error& error) {
    if (error.errnum() != EPIPE) throw;
    return false;
  }
}

std::string format_table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> widths;
  for (const std::vector<std::string>& row : rows) {
    widths.resize(std::max(widths.size(), row.size()), kNarrowestColumn - kColumnGap);
    for (size_t column = 0; column < row.size(); ++column)
      widths[column] = std::max(widths[column], display_width(row[column]));
  }
  std::string text;
  for (const std::vector<std::string>& row : rows) {
    for (size_t column = 0; column < row.size(); ++column) {
      text += row[column];
      if (column + 1 < row.size()) text.append(widths[column] - display_width(row[column]) + kColumnGap, ' ');
    }
    text += '\n';
  }
  if (!text.empty()) text.pop_back();
  return text;
}

std::string ellipsis(const std::string& text, size_t width) {
  if (display_width(text) <= width) return text;
  size_t end = 0;
  for (size_t shown = 0; shown + 1 < width && end < text.size(); ++shown)
    for (++end; end < text.size() && (text[end] & 0xc0) == 0x80; ++end) {
    }
  return text.substr(0, end) + "…";
}

std::string quoted_command(const std::vector<std::string>& command, size_t width) {
  std::string text;
  for (const std::string& word : command) {
    const bool quote = !text.empty() && word.find(' ') != std::string::npos;
    text += (text.empty() ? "" : " ") + (quote ? "'" + word + "'" : word);
  }
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  std::string quoted = "\"";
  for (const char c : ellipsis(text, width)) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + '"';
}

}  // namespace myct::cli
