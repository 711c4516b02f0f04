// Diagnostics on stderr: debug lines (--debug) and warnings. Not a way to report errors: those are thrown.
#pragma once

#include <fmt/core.h>

#include <cstdint>
#include <string_view>
#include <utility>

namespace myct::log {

enum class Level : uint8_t { Debug, Info, Warning, Error, Off };

/// Receives every line that is let through. `context` is what install_sink was given.
using Sink = void (*)(void* context, Level level, std::string_view text);

/// Lets through lines of `level` and above (default: Warning).
void set_level(Level level) noexcept;
[[nodiscard]] Level level() noexcept;

/// Replaces where lines go, e.g. in a cloned child by a packet to the parent. Null restores stderr.
void install_sink(Sink sink, void* context) noexcept;

/// Writes one line. Without a sink it goes to stderr through spdlog, which is not touched before the first line.
void write(Level level, std::string_view text);

template <typename... Args>
void debug(fmt::format_string<Args...> text, Args&&... args) {
  if (level() <= Level::Debug) write(Level::Debug, fmt::format(text, std::forward<Args>(args)...));
}
template <typename... Args>
void info(fmt::format_string<Args...> text, Args&&... args) {
  if (level() <= Level::Info) write(Level::Info, fmt::format(text, std::forward<Args>(args)...));
}
template <typename... Args>
void warning(fmt::format_string<Args...> text, Args&&... args) {
  if (level() <= Level::Warning) write(Level::Warning, fmt::format(text, std::forward<Args>(args)...));
}

}  // namespace myct::log
