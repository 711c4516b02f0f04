#include "myct/spec/healthcheck.hpp"

#include <array>

#include "healthcheck_json.hpp"

namespace myct::oci {
namespace {

using json::Value;
using std::chrono::nanoseconds;
using std::chrono::seconds;

struct Time {
  const char* key;
  nanoseconds Healthcheck::*member;
  nanoseconds otherwise;
};
constexpr std::array kTimes = {Time{"Interval", &Healthcheck::interval, seconds(30)},
                               Time{"Timeout", &Healthcheck::timeout, seconds(30)},
                               Time{"StartPeriod", &Healthcheck::start_period, seconds(0)},
                               Time{"StartInterval", &Healthcheck::start_interval, seconds(5)}};
constexpr int kRetries = 3;

}  // namespace

std::optional<Healthcheck> merge(std::optional<Healthcheck> user, const std::optional<Healthcheck>& image) {
  if (!user || !image) return user ? user : image;
  if (user->test.empty()) user->test = image->test;
  for (const Time& time : kTimes)
    if ((*user.*time.member).count() == 0) *user.*time.member = *image.*time.member;
  if (user->retries == 0) user->retries = image->retries;
  return user;
}

std::vector<std::string> command_of(const Healthcheck& check) {
  if (check.test.size() < 2) return {};
  std::vector<std::string> command(check.test.begin() + 1, check.test.end());
  if (check.test.front() == "CMD") return command;
  if (check.test.front() != "CMD-SHELL") return {};
  std::vector<std::string> shell = check.shell.empty() ? std::vector<std::string>{"/bin/sh", "-c"} : check.shell;
  shell.insert(shell.end(), command.begin(), command.end());
  return shell;
}

Healthcheck with_defaults(Healthcheck check) {
  for (const Time& time : kTimes)
    if ((check.*time.member).count() <= 0) check.*time.member = time.otherwise;
  if (check.retries <= 0) check.retries = kRetries;
  return check;
}

std::optional<Healthcheck> read_healthcheck(const Value& config) {
  const Value* object = json::find_object(config, "Healthcheck");
  if (object == nullptr) return std::nullopt;
  Healthcheck check;
  json::read(*object, "Test", check.test);
  for (const Time& time : kTimes) {
    nanoseconds::rep count = 0;
    json::read(*object, time.key, count);
    check.*time.member = nanoseconds(count);
  }
  json::read(*object, "Retries", check.retries);
  return check;
}

void write_healthcheck(Value& config, const std::optional<Healthcheck>& check) {
  if (!check) return;
  Value object = Value::object();
  json::write_unless_empty(object, "Test", check->test);
  for (const Time& time : kTimes)
    if ((*check.*time.member).count() != 0) object[time.key] = (*check.*time.member).count();
  if (check->retries != 0) object["Retries"] = check->retries;
  config["Healthcheck"] = std::move(object);
}

}  // namespace myct::oci
