// Running from an executable that nobody can write to.
#pragma once

namespace myct {

/// Executes this very program anew, from a read-only view of its file: whoever opens /proc/PID/exe of it or of its
/// children can never write to what it leads to (CVE-2019-5736). Returns if that has been done. Throws Error.
void run_from_own_view();

}  // namespace myct
