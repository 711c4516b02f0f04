#include <fcntl.h>

#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/base/json.hpp"
#include "myct/base/log.hpp"
#include "myct/base/units.hpp"
#include "oci.hpp"

namespace myct::cli {
namespace {

constexpr std::string_view word_of(log::Level level) {
  switch (level) {
    case log::Level::Debug:
      return "debug";
    case log::Level::Info:
      return "info";
    case log::Level::Warning:
      return "warning";
    default:
      return "error";
  }
}

void write_to_log(void* context, log::Level level, std::string_view text) {
  static_cast<const OciLog*>(context)->write(word_of(level), text);
}

}  // namespace

void OciLog::open(const std::string& path, const std::string& format) {
  if (format != "text" && format != "json")
    throw_error(ErrorKind::Usage, "unknown log format '{}': text or json", format);
  json_ = format == "json";
  if (path.empty()) return;
  file_ = open_path(path, O_WRONLY | O_CREAT | O_APPEND, 0644);
  log::install_sink(write_to_log, this);
}

void OciLog::write(std::string_view level, std::string_view text) const {
  if (!file_.valid()) return;
  const std::string time = format_time(std::chrono::system_clock::now());
  std::string line;
  if (json_)
    line = json::Value{{"level", level}, {"msg", text}, {"time", time}}.dump(-1, ' ', false,
                                                                             json::Value::error_handler_t::replace);
  else
    line = fmt::format("time=\"{}\" level={} msg={}", time, level, json::Value(text).dump());
  try {
    write_all(file_.ref(), line + "\n", "the log");
  } catch (const Error&) {
    // A full disk keeps no container from what it does.
  }
}

}  // namespace myct::cli
