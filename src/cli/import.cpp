// myct import FILE NAME[:TAG].
#include <memory>

#include "command.hpp"
#include "myct/base/error.hpp"
#include "myct/image/store.hpp"
#include "output.hpp"
#include "progress.hpp"

namespace myct::cli {

void define_import(CLI::App& command, Action& action) {
  struct Flags {
    std::string source;
    std::string reference;
  };
  const auto flags = std::make_shared<Flags>();
  set_usage(command, "Usage: myct import [OPTIONS] FILE NAME[:TAG]");
  command
      .add_option("FILE", flags->source,
                  "A tarball, plain or compressed by gzip, xz, zstd or bzip2; - is standard input")
      ->required();
  command.add_option("NAME", flags->reference, "The image's name, with ':latest' unless a tag is given")->required();
  action = [flags](const manager::Context& context) {
    ProgressBar bar("Importing " + flags->reference);
    const image::ImportResult result = image::import_tarball(
        context.paths, {.source = flags->source, .reference = flags->reference, .progress = bar.callback()});
    print_line(result.id);
    return 0;
  };
}

}  // namespace myct::cli
