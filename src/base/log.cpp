// The only file that names spdlog: its headers cost seconds of compile time and its registry microseconds of
// start-up, and most runs never write a line.
#include "myct/base/log.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>

namespace myct::log {
namespace {

Level g_level = Level::Warning;
Sink g_sink = nullptr;
void* g_sink_context = nullptr;

spdlog::level::level_enum spdlog_level(Level level) noexcept {
  switch (level) {
    case Level::Debug:
      return spdlog::level::debug;
    case Level::Info:
      return spdlog::level::info;
    case Level::Warning:
      return spdlog::level::warn;
    case Level::Error:
      return spdlog::level::err;
    case Level::Off:
      break;
  }
  return spdlog::level::off;
}

spdlog::logger& stderr_logger() {
  static const std::unique_ptr<spdlog::logger> logger = [] {
    auto made = std::make_unique<spdlog::logger>("myct", std::make_shared<spdlog::sinks::stderr_sink_st>());
    made->set_level(spdlog::level::trace);
    // Debug lines are a timeline, so they carry microseconds; the level is what a user needs of the rest.
    made->set_pattern(g_level == Level::Debug ? "myct: %H:%M:%S.%f %l: %v" : "myct: %l: %v");
    return made;
  }();
  return *logger;
}

}  // namespace

void set_level(Level level) noexcept { g_level = level; }
Level level() noexcept { return g_level; }

void install_sink(Sink sink, void* context) noexcept {
  g_sink = sink;
  g_sink_context = context;
}

void write(Level level, std::string_view text) {
  if (level < g_level) return;
  if (g_sink != nullptr) {
    g_sink(g_sink_context, level, text);
    return;
  }
  stderr_logger().log(spdlog_level(level), "{}", text);
}

}  // namespace myct::log
