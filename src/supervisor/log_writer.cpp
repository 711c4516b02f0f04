#include "myct/supervisor/log_writer.hpp"

namespace myct::supervisor {
namespace {

class NoLog final : public LogWriter {
 public:
  void write(Stream /*stream*/, std::string_view /*bytes*/) override {}
  void finish() override {}
};

}  // namespace

std::unique_ptr<LogWriter> open_log(const LogTarget& target) {
  switch (target.config.driver) {
    case state::LogDriver::JsonFile:
      return open_json_log(target);
    case state::LogDriver::Journald:
      return open_journald_log(target);
    case state::LogDriver::None:
    case state::LogDriver::Passthrough:
      break;
  }
  return std::make_unique<NoLog>();
}

}  // namespace myct::supervisor
