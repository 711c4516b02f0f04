// myct commit and myct export.
#include <memory>

#include "command.hpp"
#include "container_flags.hpp"
#include "myct/manager/commit.hpp"
#include "output.hpp"
#include "result_file.hpp"

namespace myct::cli {

void define_commit(CLI::App& command, Action& action) {
  struct Flags {
    std::string container;
    manager::CommitRequest request;
  };
  const auto flags = std::make_shared<Flags>();
  set_usage(command, "Usage: myct commit [OPTIONS] CONTAINER [NAME[:TAG]]");
  command.add_option("CONTAINER", flags->container, "A name, an id, or the unique beginning of one")->required();
  command.add_option("NAME", flags->request.name, "The image's name; without one, it has its id alone");
  command.add_option("-a,--author", flags->request.author, "Who made it")->type_name("TEXT")->take_last();
  command.add_option("-m,--message", flags->request.message, "What it is, for its history")
      ->type_name("TEXT")
      ->take_last();
  add_list(command, "-c,--change", flags->request.changes, "Change its configuration by a Dockerfile's instruction",
           "INSTRUCTION");
  command.add_flag("-p,--pause", flags->request.pause, "Freeze the container meanwhile (true)");
  action = [flags](const manager::Context& context) {
    print_line(manager::commit(context, flags->container, flags->request));
    return 0;
  };
}

void define_export(CLI::App& command, Action& action) {
  struct Flags {
    std::string container;
    std::string output;
  };
  const auto flags = std::make_shared<Flags>();
  set_usage(command, "Usage: myct export [OPTIONS] CONTAINER");
  command.add_option("CONTAINER", flags->container, "A name, an id, or the unique beginning of one")->required();
  command.add_option("-o,--output", flags->output, "Write to this file instead of standard output")
      ->type_name("FILE")
      ->take_last();
  action = [flags](const manager::Context& context) {
    write_result(flags->output, "an archive", [&](FdRef out) { manager::export_root(context, flags->container, out); });
    return 0;
  };
}

}  // namespace myct::cli
