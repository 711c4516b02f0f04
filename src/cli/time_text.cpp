#include "time_text.hpp"

#include <ctime>

namespace myct::cli {

std::string duration_since(SystemTime time) {
  return human_duration(std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now() - time));
}

std::string local_time(SystemTime time) {
  const time_t seconds = std::chrono::system_clock::to_time_t(time);
  tm parts{};
  if (::localtime_r(&seconds, &parts) == nullptr) return {};
  char text[64];
  return {text, ::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S %z %Z", &parts)};
}

}  // namespace myct::cli
