#include "pull_display.hpp"

#include <unistd.h>

#include <fmt/format.h>
#include <algorithm>

#include "myct/base/units.hpp"
#include "progress.hpp"

namespace myct::cli {
namespace {

using Clock = std::chrono::steady_clock;
using manager::LayerStage;

constexpr size_t kBarWidth = 30;
constexpr std::chrono::milliseconds kPause{100};  // between two drawings of one bar

}  // namespace

std::string stage_text(LayerStage stage, uint64_t done, uint64_t total) {
  switch (stage) {
    case LayerStage::Waiting:
      return "Pulling fs layer";
    case LayerStage::AlreadyThere:
      return "Already exists";
    case LayerStage::Complete:
      return "Pull complete";
    case LayerStage::Pushed:
      return "Pushed";
    case LayerStage::Mounted:
      return "Mounted";
    case LayerStage::Present:
      return "Layer already exists";
    case LayerStage::Downloading:
    case LayerStage::Pushing:
      break;
  }
  return fmt::format("{} [{}] {}/{}", stage == LayerStage::Pushing ? "Pushing" : "Downloading",
                     bar_text(done, total, kBarWidth), human_size(done), human_size(total));
}

PullDisplay::PullDisplay(std::FILE* stream, Direction direction)
    : stream_(stream), direction_(direction), is_terminal_(stream != nullptr && ::isatty(::fileno(stream)) != 0) {}

manager::PullObserver PullDisplay::observer() {
  if (stream_ == nullptr) return {};
  return {.begin = [this](const registry::RegistryReference& reference) { begin(reference); },
          .layer = [this](const std::string& layer, LayerStage stage, uint64_t done,
                          uint64_t total) { update(layer, stage, done, total); }};
}

void PullDisplay::begin(const registry::RegistryReference& reference) {
  lines_.clear();
  if (direction_ == Direction::To) {
    fmt::print(stream_, "The push refers to repository [{}]\n", reference.repository.text());
    std::fflush(stream_);
    return;
  }
  fmt::print(stream_, "{}: Pulling from {}\n", reference.target(),
             reference.repository.host == registry::kDefaultRegistry ? reference.repository.path
                                                                     : reference.repository.text());
  std::fflush(stream_);
}

size_t PullDisplay::place_of(const std::string& layer) {
  const auto found = std::ranges::find(lines_, layer, &Line::layer);
  if (found != lines_.end()) return static_cast<size_t>(found - lines_.begin());
  lines_.push_back({.layer = layer, .stage = LayerStage::Waiting, .drawn = {}});
  return lines_.size() - 1;
}

void PullDisplay::update(const std::string& layer, LayerStage stage, uint64_t done, uint64_t total) {
  const size_t before = lines_.size();
  const size_t place = place_of(layer);
  Line& line = lines_[place];
  const bool is_new = lines_.size() > before;
  const bool is_next_stage = is_new || line.stage != stage;
  line.stage = stage;
  // Where nothing can be redrawn, a bar would be a line again and again.
  const bool is_bar = stage == LayerStage::Downloading || stage == LayerStage::Pushing;
  if (!is_terminal_ && (!is_next_stage || is_bar)) return;
  if (!is_next_stage && Clock::now() < line.drawn + kPause) return;
  line.drawn = Clock::now();
  draw(place, short_id(layer) + ": " + stage_text(stage, done, total), is_new);
}

void PullDisplay::draw(size_t place, const std::string& text, bool is_new) {
  const size_t up = lines_.size() - place;
  if (!is_terminal_ || is_new)
    fmt::print(stream_, "{}\n", text);
  else
    fmt::print(stream_, "\x1b[{}A\r\x1b[K{}\x1b[{}B\r", up, text, up);
  std::fflush(stream_);
}

void PullDisplay::finish(const manager::PullResult& result) {
  if (stream_ == nullptr) return;
  fmt::print(stream_, "Digest: {}\nStatus: {} {}\n", result.digest,
             result.is_newer ? "Downloaded newer image for" : "Image is up to date for", result.reference.familiar());
  std::fflush(stream_);
}

void PullDisplay::finish(const manager::PushResult& result) {
  if (stream_ == nullptr) return;
  fmt::print(stream_, "{}: digest: {} size: {}\n", result.reference.tag, result.digest, result.size);
  std::fflush(stream_);
}

}  // namespace myct::cli
