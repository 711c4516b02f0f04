// myct images and myct rmi.
#include <memory>

#include "command.hpp"
#include "myct/base/error.hpp"
#include "myct/base/units.hpp"
#include "myct/image/store.hpp"
#include "myct/manager/manager.hpp"
#include "output.hpp"

namespace myct::cli {
namespace {

std::string or_none(const std::string& text) { return text.empty() ? "<none>" : text; }

std::string age(SystemTime time) {
  const auto elapsed = std::chrono::system_clock::now() - time;
  return human_duration(std::chrono::duration_cast<std::chrono::seconds>(elapsed)) + " ago";
}

void print_images(const std::vector<image::ImageSummary>& images, bool full_ids) {
  std::vector<std::vector<std::string>> rows = {{"REPOSITORY", "TAG", "IMAGE ID", "CREATED", "SIZE"}};
  for (const image::ImageSummary& image : images)
    rows.push_back({or_none(image.repository), or_none(image.tag), full_ids ? image.id : short_id(image.id),
                    age(image.created), human_size(image.size)});
  print_line(format_table(rows));
}

void remove_image(const manager::Context& context, const std::string& name, image::Force force) {
  const image::RemoveResult result = image::remove(context.paths, name, force, manager::image_ids_in_use(context));
  for (const std::string& reference : result.untagged) print_line("Untagged: " + reference);
  if (!result.deleted.empty()) print_line("Deleted: " + result.deleted);
}

}  // namespace

void define_images(CLI::App& command, Action& action) {
  struct Flags {
    bool quiet = false;
    bool full_ids = false;
  };
  const auto flags = std::make_shared<Flags>();
  set_usage(command, "Usage: myct images [OPTIONS]");
  command.add_flag("-q,--quiet", flags->quiet, "Print ids only");
  command.add_flag("--no-trunc", flags->full_ids, "Print whole ids");
  action = [flags](const manager::Context& context) {
    const std::vector<image::ImageSummary> images = image::list(context.paths);
    if (!flags->quiet) {
      print_images(images, flags->full_ids);
      return 0;
    }
    for (const image::ImageSummary& image : images) print_line(flags->full_ids ? image.id : short_id(image.id));
    return 0;
  };
}

void define_rmi(CLI::App& command, Action& action) {
  struct Flags {
    std::vector<std::string> images;
    bool force = false;
  };
  const auto flags = std::make_shared<Flags>();
  set_usage(command, "Usage: myct rmi [OPTIONS] IMAGE [IMAGE...]");
  command.add_option("IMAGE", flags->images, "Names, or ids")->required();
  command.add_flag("-f,--force", flags->force, "Take the name away even if containers were made from the image");
  action = [flags](const manager::Context& context) {
    return for_each_target(flags->images, [&](const std::string& name) {
      remove_image(context, name, flags->force ? image::Force::Yes : image::Force::No);
    });
  };
}

}  // namespace myct::cli
