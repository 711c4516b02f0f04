// Making this machine poorer for one program: system calls that an older kernel lacks, capabilities that a restricted
// root has not. For Command::before_exec.
#pragma once

#include <functional>
#include <vector>

namespace myct::test {

/// The given system calls fail with `errnum` in the program and in all that it starts.
std::function<void()> without_calls(std::vector<int> numbers, int errnum);
/// The capability is gone from the bounding set, and so from every program that root starts.
std::function<void()> without_capability(int capability);
/// The program runs as user 65534, without any privilege.
std::function<void()> as_nobody();

}  // namespace myct::test
