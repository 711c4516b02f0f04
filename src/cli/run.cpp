// myct run and myct create: the options of docker-run(1) that work here, into a RunRequest.
#include <memory>

#include "command.hpp"
#include "container_flags.hpp"
#include "flags.hpp"
#include "myct/base/error.hpp"
#include "myct/manager/manager.hpp"
#include "output.hpp"
#include "progress.hpp"

namespace myct::cli {
namespace {

struct RunFlags {
  ContainerFlags container;
  AttachFlags attach;
  bool detach = false;
};

}  // namespace

void define_run(CLI::App& command, Action& action) {
  const auto flags = std::make_shared<RunFlags>();
  set_usage(
      command,
      "Usage: myct run [OPTIONS] IMAGE [COMMAND [ARG...]]\n       myct run [OPTIONS] --image IMAGE [COMMAND [ARG...]]");
  add_container_flags(command, flags->container);
  command.add_flag("-d,--detach", flags->detach, "Leave it running and print its id");
  add_attach_flags(command, flags->attach);
  action = [flags, &command](const manager::Context& context) {
    flags->container.words = command.remaining();
    reject_unknown_option(flags->container.words, "run");
    const manager::RunRequest request = build_request(flags->container, context);
    const manager::Attachment attachment = parse_attachment(flags->attach, request.interactive);
    ProgressBar bar("Importing " + request.image);
    if (!flags->detach) return manager::run(context, request, attachment, bar.callback());
    print_line(manager::run_detached(context, request, bar.callback()));
    return 0;
  };
}

void define_create(CLI::App& command, Action& action) {
  const auto flags = std::make_shared<ContainerFlags>();
  set_usage(
      command,
      "Usage: myct create [OPTIONS] IMAGE [COMMAND [ARG...]]\n       myct create [OPTIONS] --image IMAGE [COMMAND "
      "[ARG...]]");
  add_container_flags(command, *flags);
  action = [flags, &command](const manager::Context& context) {
    flags->words = command.remaining();
    reject_unknown_option(flags->words, "create");
    const manager::RunRequest request = build_request(*flags, context);
    ProgressBar bar("Importing " + request.image);
    print_line(manager::create(context, request, bar.callback()));
    return 0;
  };
}

}  // namespace myct::cli
