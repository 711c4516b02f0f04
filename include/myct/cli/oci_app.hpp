// `myct oci`, and this program under the name myct-runc: the command line that other programs give to OCI runtimes, as
// runc(8) has made it.
#pragma once

#include <string_view>

namespace myct::cli {

/// The name under which this program is nothing but an OCI runtime.
inline constexpr std::string_view kRuntimeName = "myct-runc";

/// The arguments from the command's name on. Returns the exit status; errors are printed to stderr, one line each.
int run_oci(int argc, char** argv);

}  // namespace myct::cli
