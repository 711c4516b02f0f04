// The order of things, so that a kill at any moment leaves none or a whole image, and a power loss as well:
//
// 1. The ingest's own directory, images/.staging-<random>, is locked by this process (staging.hpp). Files in it named
//    pin-<hex> say what must not be removed as nobody's (layout.hpp, take_garbage).
// 2. A layer is unpacked into a staging directory of its own while its blob is written into the ingest's; when both
//    digests are right, both are renamed to their places under the index lock.
// 3. commit() writes the two documents, syncs, and then lets index.json, which alone makes an image visible, name them.
//
// What is in place without an image that names it, or a living process that pins it, may be from before a power loss
// and hold anything: the constructor clears it away, so that whatever is found later is sound.
#include "myct/image/ingest.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <set>
#include <utility>

#include "blob_file.hpp"
#include "cover.hpp"
#include "digest.hpp"
#include "index_names.hpp"
#include "layer.hpp"
#include "layout.hpp"
#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/base/log.hpp"
#include "staging.hpp"
#include "stream.hpp"

namespace myct::image {
namespace {

/// What is larger goes to disk before the index lock is taken.
constexpr uint64_t kLargeLayer = 16 << 20;

void check_digest(std::string_view what, const std::string& wanted, const std::string& got) {
  if (!wanted.empty() && wanted != got)
    throw_error(ErrorKind::Invalid, "the {} is {}, and not {}: damaged, or not what it says it is", what, got, wanted);
}

std::string media_type_of(const LayerRequest& request, Compression compression) {
  return request.blob.media_type.empty() ? layer_media_type(compression) : request.blob.media_type;
}

}  // namespace

CheckedImage check_documents(std::string_view manifest, std::string_view config) {
  if (manifest.size() > oci::kLargestManifest)
    throw_error(ErrorKind::Invalid, "the manifest has {} bytes, more than {}", manifest.size(), oci::kLargestManifest);
  if (config.size() > oci::kLargestConfig)
    throw_error(ErrorKind::Invalid, "the configuration has {} bytes, more than {}", config.size(), oci::kLargestConfig);
  CheckedImage checked{.manifest = oci::manifest_from_json(manifest, "manifest"),
                       .image = oci::image_from_json(config, "image configuration")};
  check_digest("configuration's digest", checked.manifest.config.digest, digest_of(config));
  const size_t layers = checked.manifest.layers.size();
  if (layers != checked.image.diff_ids.size())
    throw_error(ErrorKind::Invalid, "the manifest has {} layers, and the configuration {}", layers,
                checked.image.diff_ids.size());
  if (layers == 0) throw_error(ErrorKind::Unsupported, "an image without layers has nothing to run");
  if (layers > oci::kMostLayers)
    throw_error(ErrorKind::Unsupported, "{} layers are more than the {} that overlayfs takes", layers,
                oci::kMostLayers);
  for (const std::string& diff_id : checked.image.diff_ids) (void)hex_of(diff_id);
  for (const oci::Descriptor& layer : checked.manifest.layers) (void)hex_of(layer.digest);
  return checked;
}

class Ingest::Impl {
 public:
  explicit Impl(const state::Paths& paths) : paths_(paths), staging_(prepare(paths)) { remove_garbage(); }

  ~Impl() {
    staging_.reset();  // and with it the pins
    if (!leaves_garbage_) return;
    try {
      remove_garbage();
    } catch (const Error& error) {
      log::debug("what an image that did not come has left stays until the next: {}", error.what());
    }
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  bool has(const std::string& path, const std::string& digest) {
    const std::string pin = pin_name(digest);
    // Under the lock: whoever removes what is nobody's has read the pins before, or sees this one.
    const FileLock lock = lock_index(paths_);
    write_file_at(staging_->fd(), pin, "");
    return path_exists(path);
  }
  bool has_layer(const std::string& diff_id) { return has(layer_fs(paths_, diff_id), diff_id); }
  bool has_blob(const std::string& digest) { return has(blob_path(paths_, digest), digest); }

  LayerResult put_layer(const LayerRequest& request, const ByteSource& source,
                        const std::function<void(uint64_t)>& progress) {
    BlobFile blob = BlobFile::create(staging_->fd(), request.blob.size);
    return put_layer(request, blob, source, progress);
  }
  LayerResult put_layer(const LayerRequest& request, SpoolFile file, const std::function<void(uint64_t)>& progress) {
    reopen(file);
    BlobFile blob = BlobFile::adopt(staging_->fd(), std::move(file));
    return put_layer(request, blob, {}, progress);
  }

  SpoolFile spool() {
    std::string name = "spool-" + random_suffix();
    Fd fd = open_at(staging_->fd(), name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0644);
    return {.name = std::move(name), .fd = std::move(fd)};
  }

  void reopen(SpoolFile& file) { file.fd = open_at(staging_->fd(), file.name, O_RDWR | O_NOFOLLOW); }

  LayerResult put_layer(const LayerRequest& request, BlobFile& blob, const ByteSource& source,
                        const std::function<void(uint64_t)>& progress) {
    try {
      return put(request, blob, source, progress);
    } catch (Error& error) {
      // Of several that come at once, which one was damaged.
      const std::string& digest = request.blob.digest;
      if (error.kind() == ErrorKind::Invalid && !digest.empty() && error.subject().find(digest) == std::string::npos)
        error.add_context(fmt::format("layer {}", digest));
      throw;
    }
  }

  LayerResult put(const LayerRequest& request, BlobFile& blob, const ByteSource& source,
                  const std::function<void(uint64_t)>& progress) {
    std::optional<FileLock> lock;
    if (!request.diff_id.empty())
      lock = FileLock::acquire(fmt::format("{}/layer-{}.lock", paths_.locks(), hex_of(request.diff_id)));
    const bool unpacked = !request.diff_id.empty() && has_layer(request.diff_id);
    const bool kept = !request.blob.digest.empty() && has_blob(request.blob.digest);
    if (kept) return put_from_blob(request, unpacked, progress);
    if (unpacked) {
      const StreamTotals totals = read_through(request, blob.keep(source), progress);
      return finish_blob(request, totals, blob);
    }
    return unpack(request, blob.keep(source), &blob, progress);
  }

  std::string commit(const ImageDocuments& documents);

 private:
  void remove_garbage() {
    std::vector<std::string> trash;
    {
      const FileLock lock = lock_index(paths_);
      trash = take_garbage(paths_, load_index(paths_));
    }
    for (const std::string& path : trash) remove_tree(path);
  }

  static StagingDirectory prepare(const state::Paths& paths) {
    create_layout(paths);
    sweep_staging(paths);
    return StagingDirectory::create(paths.images());
  }

  LayerResult put_from_blob(const LayerRequest& request, bool unpacked, const std::function<void(uint64_t)>& progress) {
    if (unpacked) {
      verify_pair(request.blob.digest, request.diff_id);
      return {.blob = request.blob, .diff_id = request.diff_id, .already_there = true};
    }
    const Fd file = open_path(blob_path(paths_, request.blob.digest), O_RDONLY);
    LayerResult result = unpack(request, bytes_of(file.ref()), nullptr, progress);
    result.already_there = true;
    return result;
  }

  /// Reads for the digests' sake alone.
  StreamTotals read_through(const LayerRequest& request, const ByteSource& source,
                            const std::function<void(uint64_t)>& progress) {
    TarStream stream(source);
    while (!stream.next().empty())
      if (progress) progress(stream.bytes_read());
    check_totals(request, stream.totals());
    return stream.totals();
  }

  static void check_totals(const LayerRequest& request, const StreamTotals& totals) {
    check_digest("layer's digest", request.blob.digest, totals.blob_digest);
    check_digest("digest of the uncompressed layer", request.diff_id, totals.diff_id);
  }

  LayerResult finish_blob(const LayerRequest& request, const StreamTotals& totals, BlobFile& blob) {
    LayerResult result{.blob = {.media_type = media_type_of(request, totals.compression),
                                .digest = totals.blob_digest,
                                .size = totals.blob_size,
                                .annotations = {}},
                       .diff_id = totals.diff_id};
    publish_blob(blob, result.blob.digest);
    remember_pair(result.blob.digest, result.diff_id);
    return result;
  }

  void publish_blob(BlobFile& blob, const std::string& digest) {
    blob.finish();
    if (!has_blob(digest)) {
      const FileLock lock = lock_index(paths_);
      blob.become(blob_path(paths_, digest));
      leaves_garbage_ = true;
    }
  }

  LayerResult unpack(const LayerRequest& request, const ByteSource& source, BlobFile* blob,
                     const std::function<void(uint64_t)>& progress);
  void repack(LayerRecord& record, FdRef staging, BlobFile& blob);
  static void take_plain(LayerRecord& record, const StreamTotals& totals);
  void publish_layer(const std::string& diff_id, StagingDirectory& staging);
  void put_cover(const std::vector<std::string>& diff_ids);

  void remember_pair(const std::string& blob, const std::string& diff_id) {
    const std::lock_guard guard(mutex_);
    pairs_.emplace(blob, diff_id);
  }
  void verify_pair(const std::string& blob, const std::string& diff_id);
  void check_layers(const CheckedImage& checked);

  state::Paths paths_;
  std::optional<StagingDirectory> staging_;
  std::atomic<bool> large_ = false;
  std::atomic<bool> leaves_garbage_ = false;  ///< something was put that no image has yet
  std::mutex mutex_;
  std::set<std::pair<std::string, std::string>> pairs_;  ///< blobs known to be those layers, guarded by mutex_
};

LayerResult Ingest::Impl::unpack(const LayerRequest& request, const ByteSource& source, BlobFile* blob,
                                 const std::function<void(uint64_t)>& progress) {
  StagingDirectory staging = StagingDirectory::create(paths_.layers());
  // An import's file is a layer only if others can read it.
  TarSink on_tar;
  if (blob != nullptr && request.wrapping_directory)
    on_tar = [blob](Compression compression, Bytes bytes) { blob->keep_plain(compression, bytes); };
  TarStream stream(source, Digests::Compute, std::move(on_tar));
  Unpacked unpacked = unpack_layer(stream, staging.fd(), request.wrapping_directory, progress);
  check_totals(request, stream.totals());
  LayerRecord& record = unpacked.record;
  record.blob.media_type = media_type_of(request, stream.totals().compression);
  if (blob != nullptr && unpacked.unwrapped)
    repack(record, staging.fd(), *blob);
  else if (blob != nullptr && blob->is_plain())
    take_plain(record, stream.totals());
  write_file_at(staging.fd(), "layer.json", to_json(record));
  // Of an import, names may be those in another directory; and it is the lowest layer of what is made of it.
  if (!request.wrapping_directory && !unpacked.implied.empty())
    write_file_at(staging.fd(), kImpliedFile, unpacked.implied);
  if (record.size > kLargeLayer) large_ = true;
  if (blob != nullptr) publish_blob(*blob, record.blob.digest);
  publish_layer(record.diff_id, staging);
  remember_pair(record.blob.digest, record.diff_id);
  return {.blob = record.blob, .diff_id = record.diff_id};
}

/// The file's layer has a directory around it that the unpacked one has not: the kept blob must be what was unpacked.
void Ingest::Impl::repack(LayerRecord& record, FdRef staging, BlobFile& blob) {
  record.source = record.blob;
  const Fd fs = open_at(staging, "fs", O_PATH | O_DIRECTORY);
  blob.fill_from_tree(fs.ref());
  record.blob.media_type = layer_media_type(Compression::None);
  record.blob.digest = record.diff_id = blob.digest();
  record.blob.size = blob.size();
}

void Ingest::Impl::take_plain(LayerRecord& record, const StreamTotals& totals) {
  record.source = record.blob;
  record.blob.media_type = layer_media_type(Compression::None);
  record.blob.digest = totals.diff_id;
  record.blob.size = totals.tar_size;
}

void Ingest::Impl::publish_layer(const std::string& diff_id, StagingDirectory& staging) {
  // One that came to be meanwhile is as good; ours goes with its staging directory.
  if (has_layer(diff_id)) return;
  const FileLock lock = lock_index(paths_);
  const std::string target = layer_directory(paths_, diff_id);
  if (path_exists(target)) return;
  staging.become(target);
  leaves_garbage_ = true;
}

void Ingest::Impl::put_cover(const std::vector<std::string>& diff_ids) {
  // With as many layers as overlayfs takes there is no room for one more.
  if (diff_ids.size() < 2 || diff_ids.size() >= oci::kMostLayers) return;
  const std::string id = cover_id(diff_ids);
  if (has_layer(id)) return;
  StagingDirectory staging = StagingDirectory::create(paths_.layers());
  if (make_cover(paths_, diff_ids, staging.fd())) publish_layer(id, staging);
}

/// Two images may say that a blob both have is one layer and another: what is not known to be true is looked at.
void Ingest::Impl::verify_pair(const std::string& blob, const std::string& diff_id) {
  if (blob == diff_id) return;
  {
    const std::lock_guard guard(mutex_);
    if (pairs_.contains({blob, diff_id})) return;
  }
  const std::optional<LayerRecord> record = try_load_layer(paths_, diff_id);
  if (!record || record->blob.digest != blob) {
    const Fd file = open_path(blob_path(paths_, blob), O_RDONLY);
    (void)read_through({.blob = {.media_type = {}, .digest = blob, .annotations = {}}, .diff_id = diff_id},
                       bytes_of(file.ref()), {});
  }
  remember_pair(blob, diff_id);
}

void Ingest::Impl::check_layers(const CheckedImage& checked) {
  for (size_t i = 0; i < checked.image.diff_ids.size(); ++i) {
    const std::string& diff_id = checked.image.diff_ids[i];
    const std::string& blob = checked.manifest.layers[i].digest;
    if (!has_layer(diff_id)) throw_error(ErrorKind::Invalid, "layer {} is not there", diff_id);
    if (!has_blob(blob)) throw_error(ErrorKind::Invalid, "blob {} is not there", blob);
    verify_pair(blob, diff_id);
  }
}

std::string Ingest::Impl::commit(const ImageDocuments& documents) {
  const CheckedImage checked = check_documents(documents.manifest, documents.config);
  check_layers(checked);
  put_cover(checked.image.diff_ids);
  if (large_.exchange(false)) sync_store(paths_);

  std::string media_type = documents.manifest_media_type;
  if (media_type.empty()) media_type = checked.manifest.media_type;
  if (media_type.empty()) media_type = oci::kMediaTypeManifest;
  std::string id;
  std::vector<std::string> trash;
  {
    const FileLock lock = lock_index(paths_);
    oci::Index index = load_index(paths_);
    id = save_blob(paths_, checked.manifest.config.media_type, documents.config).digest;
    oci::Descriptor entry = save_blob(paths_, media_type, documents.manifest);
    entry.annotations[std::string(kAnnotationImageId)] = id;
    if (!documents.index_digest.empty())
      entry.annotations[std::string(kAnnotationIndexDigest)] = documents.index_digest;
    sync_store(paths_);
    set_names(paths_, index, entry, documents.names);
    save_index(paths_, index);
    leaves_garbage_ = false;
    trash = take_garbage(paths_, index);
  }
  for (const std::string& path : trash) remove_tree(path);
  return id;
}

Ingest::Ingest(const state::Paths& paths) : impl_(std::make_unique<Impl>(paths)) {}
Ingest::~Ingest() = default;
bool Ingest::has_layer(const std::string& diff_id) { return impl_->has_layer(diff_id); }
bool Ingest::has_blob(const std::string& digest) { return impl_->has_blob(digest); }
LayerResult Ingest::put_layer(const LayerRequest& layer, const ByteSource& source,
                              const std::function<void(uint64_t)>& progress) {
  return impl_->put_layer(layer, source, progress);
}
LayerResult Ingest::put_layer(const LayerRequest& layer, SpoolFile file,
                              const std::function<void(uint64_t)>& progress) {
  return impl_->put_layer(layer, std::move(file), progress);
}
SpoolFile Ingest::spool() { return impl_->spool(); }
void Ingest::reopen(SpoolFile& file) { impl_->reopen(file); }
std::string Ingest::commit(const ImageDocuments& image) { return impl_->commit(image); }

}  // namespace myct::image
