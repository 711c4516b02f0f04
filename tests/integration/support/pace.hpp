// How fast the machine is that the tests run on. Under emulation (tests/vm/run) a program takes ten to a hundred times
// as long to start: limits of time are longer there, and what is done hundreds of times on a fast machine is done less
// often.
#pragma once

#include <chrono>

namespace myct::test {

/// `time`, times MYCT_TEST_TIME_FACTOR (1 when it is not set).
[[nodiscard]] std::chrono::milliseconds at_this_pace(std::chrono::milliseconds time);
/// From which of many similar cases to which the next one is tried: MYCT_TEST_STRIDE when that is more than `least`.
[[nodiscard]] unsigned stride_at_this_pace(unsigned least);
/// `rounds` divided by MYCT_TEST_STRIDE, but not less than three.
[[nodiscard]] int rounds_at_this_pace(int rounds);

}  // namespace myct::test
