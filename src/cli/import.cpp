// myct import FILE NAME[:TAG].
#include <memory>

#include "command.hpp"
#include "container_flags.hpp"
#include "myct/base/error.hpp"
#include "myct/image/change.hpp"
#include "myct/manager/images.hpp"
#include "output.hpp"
#include "progress.hpp"
#include "registry_flags.hpp"

namespace myct::cli {

void define_import(CLI::App& command, Action& action) {
  struct Flags {
    std::string source;
    std::string reference;
    std::vector<std::string> changes;
    std::string message;
    PlatformFlag platform;
  };
  const auto flags = std::make_shared<Flags>();
  set_usage(command, "Usage: myct import [OPTIONS] FILE NAME[:TAG]");
  command
      .add_option("FILE", flags->source,
                  "A tarball, plain or compressed by gzip, xz, zstd or bzip2; - is standard input")
      ->required();
  command.add_option("NAME", flags->reference, "The image's name, with ':latest' unless a tag is given")->required();
  add_list(command, "-c,--change", flags->changes, "Change its configuration by a Dockerfile's instruction",
           "INSTRUCTION");
  command.add_option("-m,--message", flags->message, "What it is, for its history")->type_name("TEXT")->take_last();
  add_platform_flag(command, flags->platform);
  action = [flags](const manager::Context& context) {
    image::ImportRequest request{.source = flags->source, .reference = flags->reference, .comment = flags->message};
    for (const std::string& change : flags->changes) image::apply_change(request.config, change);
    if (const std::optional<registry::Platform> platform = parse_platform_flag(flags->platform))
      request.platform = oci::Platform{
          .architecture = platform->architecture, .os = platform->os, .variant = platform->variant, .os_version = {}};
    ProgressBar bar("Importing " + flags->reference);
    request.progress = bar.callback();
    print_line(manager::import_image(context, request).id);
    return 0;
  };
}

}  // namespace myct::cli
