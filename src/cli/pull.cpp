// myct pull and myct push.
#include <memory>

#include "command.hpp"
#include "output.hpp"
#include "pull_display.hpp"
#include "registry_flags.hpp"

namespace myct::cli {
namespace {

struct Flags {
  std::string image;
  PlatformFlag platform;
  RegistryFlags registry;
  bool quiet = false;
  bool all_tags = false;
};

void pull(const manager::Context& context, const Flags& flags) {
  const manager::PullRequest request{.image = flags.image,
                                     .platform = parse_platform_flag(flags.platform),
                                     .registry = parse_registry_flags(flags.registry)};
  PullDisplay display(flags.quiet ? nullptr : stdout);
  if (flags.all_tags) {
    const std::vector<manager::PullResult> results = manager::pull_all_tags(context, request, display.observer());
    for (const manager::PullResult& result : results) display.finish(result);
    for (const manager::PullResult& result : results) print_line(result.reference.text());
    return;
  }
  const manager::PullResult result = manager::pull(context, request, display.observer());
  display.finish(result);
  print_line(result.reference.text());
}

int push(const manager::Context& context, const Flags& flags) {
  PullDisplay display(flags.quiet ? nullptr : stdout, PullDisplay::Direction::To);
  const manager::PushResult result = manager::push(
      context, {.image = flags.image, .registry = parse_registry_flags(flags.registry)}, display.observer());
  display.finish(result);
  if (flags.quiet) print_line(result.reference.text());
  return 0;
}

}  // namespace

void define_push(CLI::App& command, Action& action) {
  const auto flags = std::make_shared<Flags>();
  set_usage(command, "Usage: myct push [OPTIONS] NAME[:TAG]");
  command.add_flag("-q,--quiet", flags->quiet, "Print the image's name only");
  add_registry_flags(command, flags->registry);
  command.add_option("NAME", flags->image, "An image that is here, by a name that says where it goes")->required();
  action = [flags](const manager::Context& context) { return push(context, *flags); };
}

void define_pull(CLI::App& command, Action& action) {
  const auto flags = std::make_shared<Flags>();
  set_usage(command, "Usage: myct pull [OPTIONS] NAME[:TAG|@DIGEST]");
  command.add_flag("-q,--quiet", flags->quiet, "Print the image's name only");
  command.add_flag("-a,--all-tags", flags->all_tags, "All tags that the repository has");
  add_platform_flag(command, flags->platform);
  add_registry_flags(command, flags->registry);
  command
      .add_option(
          "NAME", flags->image,
          "The image: [HOST[:PORT]/]PATH, docker.io's where no host is named (or as the file MYCT_REGISTRIES says)")
      ->required();
  action = [flags](const manager::Context& context) {
    pull(context, *flags);
    return 0;
  };
}

}  // namespace myct::cli
