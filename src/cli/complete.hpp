// What may come next on a command line, for the shells' completion scripts (completion.cpp).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace myct::cli {

/// Prints what the last of `words` may become; the others precede it, without "myct". One candidate a line, a tab and
/// its description behind it; a last line ":file" or ":directory" asks the shell for its own. A candidate that ends
/// with '=' or ':' goes on. Never prints an error: what cannot be known is left out.
int print_candidates(std::vector<std::string> words);

/// The values that are known of the option `--name` of `command`, separated by blanks; empty for those that are not.
[[nodiscard]] std::string_view option_words(std::string_view command, std::string_view name);

}  // namespace myct::cli
