// myct cp.
#include <unistd.h>

#include <cstdio>
#include <memory>

#include "command.hpp"
#include "myct/base/error.hpp"
#include "myct/base/units.hpp"
#include "myct/manager/copy.hpp"

namespace myct::cli {
namespace {

/// "web:/etc" is a path in a container; "/etc", "./web:etc", "../x" and whatever has no colon is one of the host.
manager::CopyPlace parse_place(const std::string& word) {
  const size_t colon = word.find(':');
  if (colon == std::string::npos || colon == 0 || word.starts_with('/') || word.starts_with('.'))
    return {.container = {}, .path = word};
  return {.container = word.substr(0, colon), .path = word.substr(colon + 1)};
}

void say_how_much(uint64_t size, const std::string& destination) {
  if (::isatty(STDOUT_FILENO) == 0) return;
  std::fprintf(stderr, "Successfully copied %s to %s\n", human_size(size).c_str(), destination.c_str());
}

}  // namespace

void define_cp(CLI::App& command, Action& action) {
  struct Flags {
    std::string source;
    std::string destination;
    bool archive = false;
    bool follow = false;
    bool quiet = false;
  };
  const auto flags = std::make_shared<Flags>();
  set_usage(command,
            "Usage: myct cp [OPTIONS] CONTAINER:SOURCE DESTINATION|-\n"
            "       myct cp [OPTIONS] SOURCE|- CONTAINER:DESTINATION");
  command.add_option("SOURCE", flags->source, "A path, CONTAINER:PATH, or '-': a tar archive on standard input")
      ->required();
  command.add_option("DESTINATION", flags->destination, "A path, CONTAINER:PATH, or '-': standard output, as tar")
      ->required();
  command.add_flag("-a,--archive", flags->archive, "Keep the owner and group of all files");
  command.add_flag("-L,--follow-link", flags->follow, "Copy what a SOURCE that is a symbolic link leads to");
  command.add_flag("-q,--quiet", flags->quiet, "Do not say how much was copied");
  action = [flags](const manager::Context& context) {
    const manager::CopyRequest request{.source = parse_place(flags->source),
                                       .destination = parse_place(flags->destination),
                                       .keep_owner = flags->archive,
                                       .follow_link = flags->follow};
    try {
      const uint64_t size = manager::copy(context, request);
      const bool streamed = request.source.is_stream() || request.destination.is_stream();
      if (!flags->quiet && !streamed) say_how_much(size, flags->destination);
    } catch (Error& error) {
      error.set_exit_status(1);
      throw;
    }
    return 0;
  };
}

}  // namespace myct::cli
