// What is done with images, images by condition, and what images, containers and volumes take on the disk.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "myct/image/load.hpp"
#include "myct/image/save.hpp"
#include "myct/image/store.hpp"
#include "myct/manager/prune.hpp"
#include "myct/manager/request.hpp"
#include "myct/state/record.hpp"

namespace myct::manager {

/// The conditions of `images --filter`, checked but not looked up yet: those of one key are alternatives, different
/// keys must all be met, and of labels each must be there.
struct ImageFilter {
  std::vector<std::string> references;  ///< shell patterns for "repository" or "repository:tag"; "*" stops at "/"
  std::vector<std::string> labels;
  std::optional<bool> dangling;     ///< without a name
  std::vector<std::string> before;  ///< images: made before one of them
  std::vector<std::string> since;   ///< images: made after one of them
  std::optional<SystemTime> until;  ///< made before that time
};

/// Those of `images`, which are all there are, that meet the conditions, in the same order. Pure. Throws
/// Error{NotFound} when before or since name no image.
[[nodiscard]] std::vector<image::ImageSummary> apply_filter(const ImageFilter& filter,
                                                            std::vector<image::ImageSummary> images);

// As the functions of image/ that they call; what is done is told as an event, too.
image::ImportResult import_image(const Context& context, const image::ImportRequest& request);
std::vector<image::LoadedImage> load_images(const Context& context, const image::LoadRequest& request);
void save_images(const Context& context, const image::SaveRequest& request, FdRef out);
void tag_image(const Context& context, const std::string& source, const std::string& target);
/// Containers' images are in use.
image::RemoveResult remove_image(const Context& context, const std::string& image, image::Force force);

struct ImagePruneResult {
  std::vector<image::RemoveResult> removed;
  uint64_t bytes = 0;
};
enum class PruneImages : uint8_t { Dangling, AllUnused };
/// Removes images that no container was made from: those without a name, or all. Throws Error.
ImagePruneResult prune_images(const Context& context, PruneImages which, const PruneRequest& request);

/// One line of `system df`, and of `system df -v` for each thing.
struct ImageUsage {
  image::ImageSummary image;  ///< by the first of its names
  uint64_t shared = 0;        ///< bytes that other images have, too
  uint64_t unique = 0;
  size_t containers = 0;
};
struct ContainerUsage {
  state::Record record;
  state::Status status = state::Status::Created;
  uint64_t written = 0;
};
struct VolumeUsage {
  std::string name;
  size_t containers = 0;
  uint64_t size = 0;
};
struct DiskUsage {
  std::vector<ImageUsage> images;
  uint64_t image_bytes = 0;  ///< what is shared counted once
  std::vector<ContainerUsage> containers;
  std::vector<VolumeUsage> volumes;
};
/// Walks over what containers and volumes hold. Throws Error.
[[nodiscard]] DiskUsage measure_disk(const Context& context);

}  // namespace myct::manager
