// An archive becomes images: its files first, because a pipe can be read only once and names of what is in it may come
// last; then all layers, several at once; then each image.
#include "myct/image/load.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "archived_images.hpp"
#include "digest.hpp"
#include "meter.hpp"
#include "myct/base/error.hpp"
#include "myct/base/file.hpp"

namespace myct::image {
namespace {

/// More threads would compete for the disk.
constexpr unsigned kMostThreads = 4;

/// Puts layers into the store, several at once.
class LayerPutter {
 public:
  LayerPutter(Ingest& ingest, ImageFiles& files, const std::vector<ArchivedImage>& images)
      : ingest_(ingest), files_(files) {
    std::set<std::string> known;
    for (const ArchivedImage& image : images)
      for (const ArchivedLayer& layer : image.layers)
        if (known.insert(layer.file).second) layers_.push_back(&layer);
  }

  /// By the layers' files. Throws what the first that failed has thrown.
  std::map<std::string, LayerResult> put_all() {
    const size_t wanted = std::min<size_t>({layers_.size(), std::thread::hardware_concurrency(), kMostThreads});
    std::vector<std::thread> threads;
    for (size_t i = 1; i < wanted; ++i) threads.emplace_back([this] { work(); });
    work();
    for (std::thread& thread : threads) thread.join();
    if (failure_) std::rethrow_exception(failure_);
    return std::move(results_);
  }

 private:
  void work() noexcept {
    for (size_t i = next_++; i < layers_.size() && !failed_; i = next_++) {
      try {
        LayerResult result = files_.put_layer(ingest_, layers_[i]->file, layers_[i]->request);
        const std::lock_guard guard(mutex_);
        results_.emplace(layers_[i]->file, std::move(result));
      } catch (...) {
        const std::lock_guard guard(mutex_);
        if (!failed_.exchange(true)) failure_ = std::current_exception();
      }
    }
  }

  Ingest& ingest_;
  ImageFiles& files_;
  std::vector<const ArchivedLayer*> layers_;
  std::atomic<size_t> next_ = 0;
  std::atomic<bool> failed_ = false;
  std::mutex mutex_;
  std::map<std::string, LayerResult> results_;
  std::exception_ptr failure_;
};

std::string make_manifest(const ArchivedImage& image, const std::map<std::string, LayerResult>& layers) {
  oci::Manifest manifest{.config = {.media_type = std::string(oci::kMediaTypeConfig),
                                    .digest = digest_of(image.documents.config),
                                    .size = image.documents.config.size(),
                                    .annotations = {}},
                         .layers = {},
                         .annotations = {}};
  for (const ArchivedLayer& layer : image.layers) manifest.layers.push_back(layers.at(layer.file).blob);
  return oci::to_json(manifest);
}

std::unique_ptr<ImageFiles> open_files(const LoadRequest& request, Ingest& ingest) {
  Fd source = request.source == "-" ? duplicate(FdRef(STDIN_FILENO)) : open_path(request.source, O_RDONLY);
  struct stat status {};
  if (::fstat(source.get(), &status) == -1) throw_errno("inspect '{}'", request.source);
  if (S_ISDIR(status.st_mode)) return open_layout(std::move(source));
  const bool regular = S_ISREG(status.st_mode) && request.source != "-";
  Meter meter(request.progress, regular ? static_cast<uint64_t>(status.st_size) : 0);
  return spool_archive(source.ref(), ingest, [&meter](uint64_t bytes_read) { meter.update(bytes_read); });
}

std::vector<LoadedImage> load_source(const state::Paths& paths, const LoadRequest& request) {
  Ingest ingest(paths);
  const std::unique_ptr<ImageFiles> files = open_files(request, ingest);
  std::vector<ArchivedImage> images = read_archived_images(*files);
  const std::map<std::string, LayerResult> layers = LayerPutter(ingest, *files, images).put_all();
  std::vector<LoadedImage> loaded;
  for (ArchivedImage& image : images) {
    if (image.documents.manifest.empty()) image.documents.manifest = make_manifest(image, layers);
    loaded.push_back({.id = ingest.commit(image.documents), .names = image.documents.names});
  }
  return loaded;
}

}  // namespace

std::vector<LoadedImage> load(const state::Paths& paths, const LoadRequest& request) {
  try {
    return load_source(paths, request);
  } catch (Error& error) {
    error.add_context(request.source == "-" ? "load standard input" : fmt::format("load '{}'", request.source));
    throw;
  }
}

}  // namespace myct::image
