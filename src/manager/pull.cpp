// From a name to an image in the store: manifest, configuration, then the layers, several at a time.
#include "myct/manager/pull.hpp"

#include <atomic>
#include <set>

#include "image_events.hpp"
#include "layer_download.hpp"
#include "myct/base/error.hpp"
#include "myct/base/log.hpp"
#include "myct/image/ingest.hpp"
#include "myct/image/inspect.hpp"
#include "registry_work.hpp"

namespace myct::manager {
namespace {

class Pull {
 public:
  Pull(const Context& context, const PullRequest& request, const PullObserver& observer)
      : context_(context),
        platform_(request.platform.value_or(registry::host_platform())),
        observer_(observer),
        news_(observer),
        client_(client_options(request.registry, &cancelled_)) {}

  PullResult fetch(const registry::RegistryReference& reference);
  [[nodiscard]] registry::Client& client() noexcept { return client_; }

 private:
  struct Layer {
    oci::Descriptor blob;
    std::string diff_id;
  };
  std::vector<Layer> layers_of(const registry::ImageDocument& document, const std::string& config) const;
  void put_layers(image::Ingest& ingest, const registry::Repository& repository, const std::vector<Layer>& layers);
  void put_layer(image::Ingest& ingest, const registry::Repository& repository, const Layer& layer);

  const Context& context_;
  registry::Platform platform_;
  const PullObserver& observer_;
  LayerNews news_;
  std::atomic<bool> cancelled_{false};
  registry::Client client_;
};

std::vector<Pull::Layer> Pull::layers_of(const registry::ImageDocument& document, const std::string& config) const {
  const image::CheckedImage image = image::check_documents(document.manifest.bytes, config);
  std::vector<Layer> layers;
  std::set<std::string> seen;  // an image may have the same layer twice
  for (size_t i = 0; i < image.manifest.layers.size(); ++i)
    if (seen.insert(image.image.diff_ids[i]).second)
      layers.push_back({.blob = image.manifest.layers[i], .diff_id = image.image.diff_ids[i]});
  const registry::Platform found = registry::normalize(
      {.os = image.image.os, .architecture = image.image.architecture, .variant = image.image.variant});
  if (found.os != platform_.os || found.architecture != platform_.architecture)
    log::warning("the image is for {}, and not for {}", found.text(), platform_.text());
  return layers;
}

void Pull::put_layer(image::Ingest& ingest, const registry::Repository& repository, const Layer& layer) {
  const image::LayerRequest request{.blob = layer.blob, .diff_id = layer.diff_id};
  if (ingest.has_blob(layer.blob.digest)) {
    // The store has the bytes already, and unpacks them itself where that is still to be done.
    const image::ByteSource none{.read = [](std::span<uint8_t>) -> size_t { return 0; }};
    ingest.put_layer(request, none);
    return news_.tell(layer.blob, LayerStage::AlreadyThere);
  }
  news_.tell(layer.blob, LayerStage::Downloading);
  LayerDownload download(client_, repository, layer.blob);
  try {
    ingest.put_layer(request, download.source(),
                     [&](uint64_t done) { news_.tell(layer.blob, LayerStage::Downloading, done); });
  } catch (...) {
    cancelled_ = true;  // the download is waited for
    throw;
  }
  news_.tell(layer.blob, LayerStage::Complete, layer.blob.size);
}

void Pull::put_layers(image::Ingest& ingest, const registry::Repository& repository, const std::vector<Layer>& layers) {
  for (const Layer& layer : layers) news_.tell(layer.blob, LayerStage::Waiting);
  in_threads(layers.size(), cancelled_, [&](size_t i) { put_layer(ingest, repository, layers[i]); });
}

PullResult Pull::fetch(const registry::RegistryReference& reference) {
  const registry::ImageDocument document = client_.fetch_image(reference, platform_);
  if (observer_.begin) observer_.begin(reference);
  const std::string name = reference.familiar();
  const oci::Manifest manifest = oci::manifest_from_json(document.manifest.bytes, name);
  const std::string config = client_.fetch_small_blob(reference.repository, manifest.config, oci::kLargestConfig);
  const std::optional<image::ImageDetails> before = image::try_inspect(context_.paths, name);
  image::Ingest ingest(context_.paths);
  put_layers(ingest, reference.repository, layers_of(document, config));
  const std::string id = ingest.commit({.manifest = document.manifest.bytes,
                                        .manifest_media_type = document.manifest.descriptor.media_type,
                                        .config = config,
                                        .names = {name},
                                        .index_digest = document.index_digest});
  tell_of_transfer(context_, reference, "pull");
  return {.reference = reference, .digest = document.digest(), .id = id, .is_newer = !before || before->id != id};
}

/// What the name may mean, in the order of the search; one that names its registry means one thing.
std::vector<registry::RegistryReference> candidates(const std::string& image) {
  if (registry::has_registry(image)) return {registry::parse_registry_reference(image)};
  std::vector<registry::RegistryReference> references;
  for (const std::string& host : registry::load_configuration(registry::configuration_path()).search)
    references.push_back(registry::parse_registry_reference(image, host));
  if (references.empty())
    throw Error(ErrorKind::NotFound, fmt::format("'{}' names no registry", image), 0,
                fmt::format("name one, or put some into \"search\" of {}", registry::configuration_path()));
  return references;
}

/// Does `body` with each until one is there.
template <typename Body>
auto with_candidates(const std::string& image, Body body) {
  const std::vector<registry::RegistryReference> references = candidates(image);
  for (size_t i = 0; i + 1 < references.size(); ++i) {
    try {
      return body(references[i]);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::NotFound && error.kind() != ErrorKind::Denied) throw;
      log::info("{}", error.what());
    }
  }
  return body(references.back());
}

}  // namespace

PullResult pull(const Context& context, const PullRequest& request, const PullObserver& observer) {
  Pull pull(context, request, observer);
  return with_candidates(request.image, [&](const auto& reference) { return pull.fetch(reference); });
}

std::vector<PullResult> pull_all_tags(const Context& context, const PullRequest& request,
                                      const PullObserver& observer) {
  const size_t slash = request.image.rfind('/');
  if (request.image.find_first_of(":@", slash == std::string::npos ? 0 : slash) != std::string::npos)
    throw_error(ErrorKind::Usage, "--all-tags and a tag or digest exclude each other");
  Pull pull(context, request, observer);
  return with_candidates(request.image, [&](registry::RegistryReference reference) {
    std::vector<PullResult> results;
    for (const std::string& tag : pull.client().list_tags(reference.repository)) {
      reference.tag = tag;
      results.push_back(pull.fetch(reference));
    }
    return results;
  });
}

registry::Kept log_in(const std::string& host, const registry::Credentials& credentials,
                      const RegistryOptions& options) {
  registry::Client client(client_options(options, nullptr));
  return registry::save_credentials(registry::credential_files(), host, client.check_credentials(host, credentials));
}

bool log_out(const std::string& host) { return registry::erase_credentials(registry::credential_files(), host); }

}  // namespace myct::manager
