// Which image a container is made from: one that is here, or one that is pulled for it.
#include "myct/base/error.hpp"
#include "myct/image/inspect.hpp"
#include "steps.hpp"

namespace myct::manager {
namespace {

image::Rootfs resolve_local(const Context& context, const RunRequest& request, const image::Progress& progress) {
  return image::resolve(context.paths,
                        {.image = request.image, .search_path = request.image_search_path, .progress = progress});
}

/// Whether the image is for the platform that was asked for, if one was. Tarballs do not say what they are for.
bool is_for_platform(const Context& context, const RunRequest& request, const image::Rootfs& rootfs) {
  if (!request.platform) return true;
  const std::optional<image::ImageDetails> details = image::try_inspect(context.paths, rootfs.id);
  if (!details || details->image.architecture.empty()) return true;
  const registry::Platform found = registry::normalize(
      {.os = details->image.os, .architecture = details->image.architecture, .variant = details->image.variant});
  return found.os == request.platform->os && found.architecture == request.platform->architecture;
}

image::Rootfs pull_and_resolve(const Context& context, const RunRequest& request, const image::Progress& progress) {
  request.pull_image(request.image);
  return resolve_local(context, request, progress);
}

/// The local image; nullopt where there is none for us, with `missing` saying why.
std::optional<image::Rootfs> try_resolve_local(const Context& context, const RunRequest& request,
                                               const image::Progress& progress, std::optional<Error>& missing) {
  try {
    image::Rootfs rootfs = resolve_local(context, request, progress);
    if (is_for_platform(context, request, rootfs)) return rootfs;
    missing.emplace(ErrorKind::NotFound,
                    fmt::format("the image '{}' is not for {}", request.image, request.platform->text()));
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::NotFound) throw;
    missing = error;
  }
  return std::nullopt;
}

}  // namespace

image::Rootfs resolve_image(const Context& context, const RunRequest& request, const image::Progress& progress) {
  if (request.pull == PullPolicy::Always && request.pull_image) return pull_and_resolve(context, request, progress);
  std::optional<Error> missing;
  if (std::optional<image::Rootfs> rootfs = try_resolve_local(context, request, progress, missing)) return *rootfs;
  if (request.pull == PullPolicy::Never || !request.pull_image) throw *missing;
  try {
    return pull_and_resolve(context, request, progress);
  } catch (const Error& error) {
    // A slip in a local image's name is as likely as an image that has to be pulled.
    throw Error(error.kind(), fmt::format("{}, and it cannot be pulled: {}", missing->subject(), error.subject()),
                error.errnum(), error.kind() == ErrorKind::Denied ? error.hint() : missing->hint());
  }
}

}  // namespace myct::manager
