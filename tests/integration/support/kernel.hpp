// Making this machine poorer for one program: system calls that an older kernel lacks, capabilities that a restricted
// root has not. For Command::before_exec.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "process.hpp"

namespace myct::test {

/// The given system calls fail with `errnum` in the program and in all that it starts.
std::function<void()> without_calls(std::vector<int> numbers, int errnum);
/// The capability is gone from the bounding set, and so from every program that root starts.
std::function<void()> without_capability(int capability);
/// The program runs as user 65534, without any privilege.
std::function<void()> as_nobody();
/// The same, with a copy of the command's program that nobody can reach wherever the tree lies.
void run_as_nobody(Command& command, const std::string& copy);

}  // namespace myct::test
