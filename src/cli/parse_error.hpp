// What CLI11 objects to on a command line, in our words.
#pragma once

#include <CLI/CLI.hpp>

#include "myct/base/error.hpp"

namespace myct::cli {

/// `app` is what was parsed, `command` the command's part of it, or the same where no command is named; `hint` says
/// where the options are listed. The exit status is docker's: 1 for the wrong number of words, else 125.
[[nodiscard]] Error explain_parse_error(const CLI::App& app, const CLI::App& command, const CLI::ParseError& error,
                                        std::string hint);

}  // namespace myct::cli
