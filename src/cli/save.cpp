// myct save and myct load.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <functional>
#include <memory>

#include "command.hpp"
#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/manager/images.hpp"
#include "output.hpp"
#include "progress.hpp"
#include "result_file.hpp"

namespace myct::cli {
namespace {

image::ArchiveFormat parse_format(const std::string& word) {
  if (word == "docker-archive") return image::ArchiveFormat::Docker;
  if (word == "oci-archive") return image::ArchiveFormat::Oci;
  throw_error(ErrorKind::Usage, "--format: '{}' is neither docker-archive nor oci-archive", word);
}

void print_loaded(const image::LoadedImage& image) {
  for (const std::string& name : image.names) print_line("Loaded image: " + name);
  if (image.names.empty()) print_line("Loaded image ID: " + image.id);
}

}  // namespace

void define_save(CLI::App& command, Action& action) {
  struct Flags {
    std::vector<std::string> images;
    std::string output;
    std::string format = "docker-archive";
  };
  const auto flags = std::make_shared<Flags>();
  set_usage(command, "Usage: myct save [OPTIONS] IMAGE [IMAGE...]");
  command.add_option("IMAGE", flags->images, "Names, or ids; by an id, the archive has no name for it")->required();
  command.add_option("-o,--output", flags->output, "Write to this file instead of standard output")
      ->type_name("FILE")
      ->take_last();
  command
      .add_option("--format", flags->format,
                  "docker-archive, which is an OCI image layout as well, or oci-archive, which is nothing else")
      ->type_name("FORMAT")
      ->take_last();
  action = [flags](const manager::Context& context) {
    const image::SaveRequest request{.images = flags->images, .format = parse_format(flags->format)};
    write_result(flags->output, "an archive", [&](FdRef out) { manager::save_images(context, request, out); });
    return 0;
  };
}

void define_load(CLI::App& command, Action& action) {
  struct Flags {
    std::string input = "-";
    bool quiet = false;
  };
  const auto flags = std::make_shared<Flags>();
  set_usage(command, "Usage: myct load [OPTIONS]");
  command
      .add_option("-i,--input", flags->input,
                  "Read from this archive, or directory with an OCI image layout, instead of standard input")
      ->type_name("FILE")
      ->take_last();
  command.add_flag("-q,--quiet", flags->quiet, "Draw no progress bar");
  action = [flags](const manager::Context& context) {
    if (flags->input == "-" && ::isatty(STDIN_FILENO) == 1)
      throw Error(ErrorKind::Usage, "standard input is a terminal, not an archive", 0, "use -i, or redirect it")
          .set_exit_status(1);
    ProgressBar bar("Reading " + (flags->input == "-" ? "standard input" : flags->input));
    const std::vector<image::LoadedImage> images = manager::load_images(
        context, {.source = flags->input, .progress = flags->quiet ? image::Progress{} : bar.callback()});
    for (const image::LoadedImage& image : images) print_loaded(image);
    return 0;
  };
}

}  // namespace myct::cli
