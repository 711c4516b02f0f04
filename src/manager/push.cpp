// An image from the store to a registry: blobs, several at a time, then the manifest that names them.
#include <unistd.h>

#include <set>

#include "image_events.hpp"
#include "myct/base/error.hpp"
#include "myct/image/save.hpp"
#include "myct/manager/pull.hpp"
#include "registry_work.hpp"

namespace myct::manager {
namespace {

/// Reads a file from anywhere, as the registry's client asks for it.
registry::BlobSource source_of(const Fd& file) {
  return [&file](uint64_t offset, std::span<char> buffer) -> size_t {
    for (;;) {
      const ssize_t got = ::pread(file.get(), buffer.data(), buffer.size(), static_cast<off_t>(offset));
      if (got >= 0) return static_cast<size_t>(got);
      if (errno != EINTR) throw_errno("read a layer");
    }
  };
}

LayerStage stage_of(registry::Client::Pushed pushed) {
  switch (pushed) {
    case registry::Client::Pushed::WasThere:
      return LayerStage::Present;
    case registry::Client::Pushed::Mounted:
      return LayerStage::Mounted;
    case registry::Client::Pushed::Sent:
      break;
  }
  return LayerStage::Pushed;
}

/// Each once: an image may have the same layer twice.
std::vector<oci::Descriptor> layers_of(const oci::Manifest& manifest) {
  std::vector<oci::Descriptor> blobs;
  std::set<std::string> seen;
  for (const oci::Descriptor& layer : manifest.layers)
    if (seen.insert(layer.digest).second) blobs.push_back(layer);
  return blobs;
}

class Push {
 public:
  Push(const Context& context, const PushRequest& request, const PullObserver& observer)
      : context_(context),
        image_(request.image),
        observer_(observer),
        news_(observer),
        client_(client_options(request.registry, &cancelled_)) {}

  PushResult send(const registry::RegistryReference& reference) {
    const image::KeptImage kept = image::load_kept(context_.paths, image_);
    if (observer_.begin) observer_.begin(reference);
    const std::vector<oci::Descriptor> layers = layers_of(kept.manifest);
    in_threads(layers.size(), cancelled_, [&](size_t i) { send_blob(reference.repository, layers[i], true); });
    send_blob(reference.repository, kept.manifest.config, false);
    const std::string digest = client_.push_manifest(reference, kept.descriptor.media_type, kept.document);
    tell_of_transfer(context_, reference, "push");
    return {.reference = reference, .digest = digest, .size = kept.document.size()};
  }

 private:
  void send_blob(const registry::Repository& repository, const oci::Descriptor& blob, bool is_layer) {
    const Fd file = image::open_kept_blob(context_.paths, blob.digest, image_);
    if (is_layer) news_.tell(blob, LayerStage::Pushing, 0);
    const registry::Client::Pushed pushed =
        client_.push_blob(repository, blob, source_of(file), std::nullopt, [&](uint64_t done, uint64_t /*total*/) {
          if (is_layer) news_.tell(blob, LayerStage::Pushing, done);
        });
    if (is_layer) news_.tell(blob, stage_of(pushed), blob.size);
  }

  const Context& context_;
  std::string image_;
  const PullObserver& observer_;
  LayerNews news_;
  std::atomic<bool> cancelled_{false};
  registry::Client client_;
};

}  // namespace

PushResult push(const Context& context, const PushRequest& request, const PullObserver& observer) {
  const registry::RegistryReference reference = registry::parse_registry_reference(request.image);
  if (!reference.digest.empty())
    throw_error(ErrorKind::Usage, "'{}': a push names a tag, and no digest", request.image);
  return Push(context, request, observer).send(reference);
}

}  // namespace myct::manager
