// The manual pages, from the same definitions as --help.
#pragma once

#include <string>

namespace myct::cli {

/// Writes myct.1 and a page for each command (myct-run.1, ...) into a directory, which is made if it is missing.
int write_manual(const std::string& directory);

}  // namespace myct::cli
