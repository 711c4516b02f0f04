// myct image prune.
#include <memory>

#include "command.hpp"
#include "container_flags.hpp"
#include "myct/base/units.hpp"
#include "myct/manager/images.hpp"
#include "output.hpp"
#include "prune.hpp"

namespace myct::cli {

void define_image_prune(CLI::App& command, Action& action) {
  struct Flags {
    std::vector<std::string> filters;
    bool all = false;
    bool force = false;
  };
  const auto flags = std::make_shared<Flags>();
  set_usage(command, "Usage: myct image prune [OPTIONS]");
  command.add_flag("-a,--all", flags->all, "Remove those that have names, too");
  command.add_flag("-f,--force", flags->force, "Do not ask");
  add_list(command, "--filter", flags->filters, "Only those that fit: until=TIME, label=KEY[=VALUE], label!=...",
           "KEY=VALUE");
  action = [flags](const manager::Context& context) {
    const manager::PruneRequest request = parse_prune_filters(flags->filters);
    const char* what =
        flags->all ? "all images without at least one container associated to them" : "all dangling images";
    if (!flags->force && !is_confirmed(what)) return 0;
    const manager::ImagePruneResult result = manager::prune_images(
        context, flags->all ? manager::PruneImages::AllUnused : manager::PruneImages::Dangling, request);
    if (!result.removed.empty()) print_line("Deleted Images:");
    for (const image::RemoveResult& image : result.removed) {
      for (const std::string& name : image.untagged) print_line("untagged: " + name);
      if (!image.deleted.empty()) print_line("deleted: " + image.deleted);
    }
    print_line((result.removed.empty() ? "" : "\n") + ("Total reclaimed space: " + human_size(result.bytes)));
    return 0;
  };
}

}  // namespace myct::cli
