// What changes images or takes them elsewhere, each told as an event when it is done. Pulling and pushing are in files
// of their own.
#include "image_events.hpp"
#include "myct/base/error.hpp"
#include "myct/base/log.hpp"
#include "myct/image/inspect.hpp"
#include "myct/image/reference.hpp"
#include "myct/manager/images.hpp"
#include "myct/manager/manager.hpp"
#include "myct/state/events.hpp"

namespace myct::manager {
namespace {

using Attributes = std::map<std::string, std::string>;

Attributes labels_of(const Context& context, const std::string& id) {
  try {
    if (const std::optional<image::ImageDetails> image = image::try_inspect(context.paths, id))
      return image->image.config.labels;
  } catch (const Error& error) {
    log::debug("the labels of image {}: {}", id, error.what());
  }
  return {};
}

void tell(const Context& context, const std::string& id, std::string_view action, Attributes attributes,
          const std::string& name) {
  attributes["name"] = name;
  state::append_image_event(context.paths, id, action, attributes);
}

}  // namespace

void tell_of_image(const Context& context, const std::string& id, std::string_view action, const std::string& name) {
  tell(context, id, action, labels_of(context, id), name);
}

void tell_of_transfer(const Context& context, const registry::RegistryReference& reference, std::string_view action) {
  const std::string name = reference.familiar();
  tell(context, name, action, labels_of(context, name), reference.repository.familiar());
}

image::ImportResult import_image(const Context& context, const image::ImportRequest& request) {
  image::ImportResult result = image::import_tarball(context.paths, request);
  tell_of_image(context, result.id, "import", result.reference);
  return result;
}

std::vector<image::LoadedImage> load_images(const Context& context, const image::LoadRequest& request) {
  std::vector<image::LoadedImage> images = image::load(context.paths, request);
  for (const image::LoadedImage& image : images)
    tell_of_image(context, image.id, "load", image.names.empty() ? image.id : image.names.front());
  return images;
}

void save_images(const Context& context, const image::SaveRequest& request, FdRef out) {
  image::save(context.paths, request, out);
  for (const std::string& name : request.images)
    if (const std::optional<image::ImageDetails> image = image::try_inspect(context.paths, name))
      tell(context, image->id, "save", image->image.config.labels, name);
}

void tag_image(const Context& context, const std::string& source, const std::string& target) {
  const std::string id = image::tag(context.paths, source, target);
  tell_of_image(context, id, "tag", image::parse_reference(target).text());
}

image::RemoveResult remove_image(const Context& context, const std::string& image, image::Force force) {
  const Attributes labels = labels_of(context, image);  // while it is there
  image::RemoveResult result = image::remove(context.paths, image, force, image_ids_in_use(context));
  for (const std::string& name : result.untagged) tell(context, result.id, "untag", labels, name);
  if (!result.deleted.empty()) tell(context, result.id, "delete", labels, result.id);
  return result;
}

}  // namespace myct::manager
