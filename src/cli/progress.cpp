#include "progress.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "myct/base/units.hpp"

namespace myct::cli {
namespace {

constexpr size_t kWidestBar = 50;
constexpr size_t kNarrowestBar = 5;

size_t terminal_columns() {
  winsize size{};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

}  // namespace

std::string bar_text(uint64_t done, uint64_t total, size_t width) {
  const double part = total == 0 ? 0 : std::min(1.0, static_cast<double>(done) / static_cast<double>(total));
  const auto filled = static_cast<size_t>(part * static_cast<double>(width));
  std::string bar(filled, '=');
  if (filled < width) bar += '>';
  bar.resize(width, ' ');
  return bar;
}

ProgressBar::ProgressBar(std::string what) : what_(std::move(what)) {}

ProgressBar::~ProgressBar() {
  if (drawn_) std::fputs("\r\x1b[K", stderr);
}

image::Progress ProgressBar::callback() {
  if (::isatty(STDERR_FILENO) == 0) return {};
  return [this](uint64_t done, uint64_t total) { draw(done, total); };
}

void ProgressBar::draw(uint64_t done, uint64_t total) {
  drawn_ = true;
  const std::string amount = total == 0 ? human_size(done) : fmt::format("{}/{}", human_size(done), human_size(total));
  const size_t around = what_.size() + amount.size() + sizeof " [] ";
  const size_t columns = terminal_columns();
  if (total == 0 || columns < around + kNarrowestBar) {
    std::fprintf(stderr, "\r\x1b[K%s %s", what_.c_str(), amount.c_str());
    return;
  }
  const std::string bar = bar_text(done, total, std::min(kWidestBar, columns - around));
  std::fprintf(stderr, "\r\x1b[K%s [%s] %s", what_.c_str(), bar.c_str(), amount.c_str());
}

}  // namespace myct::cli
