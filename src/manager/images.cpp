#include "myct/manager/images.hpp"

#include <fnmatch.h>

#include <algorithm>
#include <map>
#include <set>

#include "myct/base/error.hpp"
#include "myct/base/log.hpp"
#include "myct/image/reference.hpp"
#include "myct/manager/manager.hpp"

namespace myct::manager {
namespace {

bool matches_reference(const image::ImageSummary& image, const std::string& pattern) {
  if (image.repository.empty()) return false;
  const auto is_match = [&](const std::string& text) {
    return ::fnmatch(pattern.c_str(), text.c_str(), FNM_PATHNAME) == 0;
  };
  return is_match(image.repository) || is_match(image.repository + ":" + image.tag);
}

bool is_meant(const image::ImageSummary& image, const std::string& text) {
  constexpr std::string_view kAlgorithm = "sha256:";
  std::string_view digits = text;
  if (digits.starts_with(kAlgorithm)) digits.remove_prefix(kAlgorithm.size());
  if (is_hex(digits) && std::string_view(image.id).substr(kAlgorithm.size()).starts_with(digits)) return true;
  try {
    const image::Reference reference = image::parse_reference(text);
    return image.repository == reference.repository &&
           (reference.digest.empty() ? image.tag == reference.tag : image.digest == reference.digest);
  } catch (const Error&) {
    return false;  // no name
  }
}

std::vector<SystemTime> times_of(const std::vector<std::string>& texts,
                                 const std::vector<image::ImageSummary>& images) {
  std::vector<SystemTime> times;
  for (const std::string& text : texts) {
    const auto found = std::ranges::find_if(images, [&](const auto& image) { return is_meant(image, text); });
    if (found == images.end()) throw_error(ErrorKind::NotFound, "no image '{}'", text);
    times.push_back(found->created);
  }
  return times;
}

template <typename Range, typename Matches>
bool any_or_none(const Range& alternatives, Matches matches) {
  return alternatives.empty() || std::ranges::any_of(alternatives, matches);
}

}  // namespace

std::vector<image::ImageSummary> apply_filter(const ImageFilter& filter, std::vector<image::ImageSummary> images) {
  const std::vector<SystemTime> before = times_of(filter.before, images);
  const std::vector<SystemTime> since = times_of(filter.since, images);
  std::erase_if(images, [&](const image::ImageSummary& image) {
    const bool matches =
        any_or_none(filter.references, [&](const std::string& pattern) { return matches_reference(image, pattern); }) &&
        any_or_none(before, [&](SystemTime time) { return image.created < time; }) &&
        any_or_none(since, [&](SystemTime time) { return image.created > time; }) &&
        (!filter.dangling || *filter.dangling == image.repository.empty()) &&
        (!filter.until || image.created < *filter.until) &&
        std::ranges::all_of(filter.labels,
                            [&](const std::string& label) { return state::has_label(image.labels, label); });
    return !matches;
  });
  return images;
}

ImagePruneResult prune_images(const Context& context, PruneImages which, const PruneRequest& request) {
  ImageFilter filter{.references = {}, .labels = request.labels, .dangling = {}, .before = {}, .since = {}};
  filter.until = request.until;
  if (which == PruneImages::Dangling) filter.dangling = true;
  ImagePruneResult result;
  std::set<std::string> seen;
  for (const image::ImageSummary& image : apply_filter(filter, image::list(context.paths))) {
    const auto has = [&](const std::string& label) { return state::has_label(image.labels, label); };
    if (!seen.insert(image.id).second || std::ranges::any_of(request.not_labels, has)) continue;
    // Asked anew for each: a container may have been made meanwhile.
    if (image_ids_in_use(context).contains(image.id)) continue;
    try {
      result.removed.push_back(remove_image(context, image.id, image::Force::Yes));
      result.bytes += result.removed.back().bytes;
    } catch (const Error& error) {
      // Removed by somebody else in this moment.
      log::debug("image {} is not removed: {}", image.id, error.what());
    }
  }
  return result;
}

}  // namespace myct::manager
