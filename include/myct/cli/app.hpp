// The command line.
#pragma once

namespace myct::cli {

/// Parses the arguments, runs the command, and returns the process's exit status. Errors are printed to stderr, one
/// line each.
int run_app(int argc, char** argv);

}  // namespace myct::cli
