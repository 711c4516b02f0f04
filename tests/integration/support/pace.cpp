#include "pace.hpp"

#include <algorithm>
#include <cstdlib>
#include <stdexcept>
#include <string>

namespace myct::test {
namespace {

int number_from_environment(const char* name) {
  const char* const value = std::getenv(name);
  if (value == nullptr || *value == '\0') return 1;
  char* end = nullptr;
  const long number = std::strtol(value, &end, 10);
  if (*end != '\0' || number < 1 || number > 1000)
    throw std::runtime_error(std::string(name) + " is not a number from 1 to 1000: " + value);
  return static_cast<int>(number);
}

int stride() {
  static const int kStride = number_from_environment("MYCT_TEST_STRIDE");
  return kStride;
}

}  // namespace

std::chrono::milliseconds at_this_pace(std::chrono::milliseconds time) {
  static const int kFactor = number_from_environment("MYCT_TEST_TIME_FACTOR");
  return time * kFactor;
}

unsigned stride_at_this_pace(unsigned least) { return std::max(least, static_cast<unsigned>(stride())); }

int rounds_at_this_pace(int rounds) {
  constexpr int kLeast = 3;
  return std::min(rounds, std::max(kLeast, rounds / stride()));
}

}  // namespace myct::test
