// Which devices the processes of a control group may open and make: version 2 asks a BPF program
// (cgroup-v2.rst, "Device controller").
#pragma once

#include <linux/bpf.h>

#include <vector>

#include "myct/base/fd.hpp"
#include "myct/spec/resources.hpp"

namespace myct::cgroup {

/// The program that decides as the rules do: for each kind of access that is asked for, the last rule that covers it
/// counts, and what no rule covers is denied. Empty when everything is allowed, or there are no rules. Pure. Throws
/// Error{Invalid} naming the rule that makes no sense.
[[nodiscard]] std::vector<bpf_insn> device_program(const std::vector<oci::DeviceRule>& rules);

/// Has the kernel decide so for the group whose directory is `group` (not O_PATH), and for all below it. Throws Error.
void attach_device_filter(FdRef group, const std::vector<bpf_insn>& program);
/// The same instead of what was attached before; an empty program allows everything. Throws Error.
void replace_device_filter(FdRef group, const std::vector<bpf_insn>& program);

}  // namespace myct::cgroup
