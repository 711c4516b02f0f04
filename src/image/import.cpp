// Brings a tarball into the store.
//
// The order of things, so that a kill at any moment leaves none or a whole image: the tarball is unpacked into a
// staging directory of this process; then, under the index lock, the configuration and the manifest are written, the
// staging directory is renamed to its layer's name, and index.json, which alone makes an image visible, is replaced.
// A power loss leaves none or a whole one as well: everything is synced before index.json names it. That was measured
// to cost 20 to 30 ms for a small image and 0.1 to 0.2 s for one of 200 MB, on a virtual disk, which unpacking in two
// threads has saved before.
// A layer that a kill left between the last two steps is found by the next import of the same file, or removed by the
// next import of another.
//
// Two imports of the same file wait for each other on a lock named by the file's size, which costs nothing to know;
// the second then finds the layer by size and digest. Pipes cannot be recognised beforehand: both are unpacked, and
// the rename decides. The image's time is that of the newest file in it, not that of the import, so that the same
// tarball and name give the same image wherever and whenever they are imported.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "digest.hpp"
#include "layer.hpp"
#include "layout.hpp"
#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/base/process.hpp"
#include "myct/image/reference.hpp"
#include "myct/image/store.hpp"
#include "staging.hpp"

namespace myct::image {
namespace {

constexpr uint64_t kLargeLayer = 16 << 20;

/// The tarball as it was opened.
struct Source {
  Fd fd;
  bool regular = false;  ///< has a size and can be read twice
  uint64_t size = 0;
};

Source open_source(const std::string& path) {
  Source source{.fd = path == "-" ? duplicate(FdRef(STDIN_FILENO)) : open_path(path, O_RDONLY)};
  struct stat status {};
  if (::fstat(source.fd.get(), &status) == -1) throw_errno("inspect '{}'", path);
  if (S_ISDIR(status.st_mode)) throw_error(ErrorKind::Invalid, "is a directory, not a tarball");
  if (::isatty(source.fd.get()) == 1) throw_error(ErrorKind::Invalid, "is a terminal, not a tarball");
  // Standard input may be a file too, but then the shell may have read some of it already.
  source.regular = S_ISREG(status.st_mode) && path != "-";
  if (source.regular) source.size = static_cast<uint64_t>(status.st_size);
  return source;
}

/// Passes progress on about ten times a second.
class Meter {
 public:
  Meter(const Progress& progress, uint64_t total) : progress_(progress), total_(total) {}
  void update(uint64_t done) {
    if (!progress_) return;
    const auto now = std::chrono::steady_clock::now();
    if (done != total_ && now < next_) return;
    next_ = now + std::chrono::milliseconds(100);
    progress_(done, total_);
  }

 private:
  const Progress& progress_;
  uint64_t total_;
  std::chrono::steady_clock::time_point next_{};
};

std::string digest_of_file(FdRef fd) {
  Sha256 hash;
  std::vector<uint8_t> buffer(256 << 10);
  for (off_t offset = 0;;) {
    const ssize_t got = ::pread(fd.get(), buffer.data(), buffer.size(), offset);
    if (got == 0) return hash.digest();
    if (got == -1 && errno != EINTR) throw_errno("read");
    if (got == -1) continue;
    hash.update({buffer.data(), static_cast<size_t>(got)});
    offset += got;
  }
}

/// The layer that was unpacked from this very file. Only files of the same size are worth hashing.
std::optional<LayerRecord> find_layer(const state::Paths& paths, const Source& source) {
  std::string digest;
  for (const std::string& name : list_directory(paths.layers(), Hidden::Include)) {
    if (!is_hex(name)) continue;
    const std::optional<LayerRecord> layer = try_load_layer(paths, "sha256:" + name);
    if (!layer || layer->blob.size != source.size) continue;
    if (digest.empty()) digest = digest_of_file(source.fd.ref());
    if (layer->blob.digest == digest) return layer;
  }
  return std::nullopt;
}

/// Whether the unpacked root has a shell, which may be a link to busybox.
bool has_shell(const std::string& fs) {
  const Fd root = open_path(fs, O_PATH | O_DIRECTORY);
  try {
    const std::optional<Fd> shell = try_open_in_root(root.ref(), "/bin/sh", O_PATH);
    struct stat status {};
    return shell && ::fstat(shell->get(), &status) == 0 && S_ISREG(status.st_mode) && (status.st_mode & 0111) != 0;
  } catch (const Error&) {
    return false;  // a loop of links, or a file where a directory should be
  }
}

/// docker import gives no command, and `docker run` of such an image fails; a base system is for its shell.
oci::ImageConfig with_default_command(oci::ImageConfig config, const std::string& fs) {
  if (config.cmd.empty() && config.entrypoint.empty() && has_shell(fs)) config.cmd = {"/bin/sh"};
  return config;
}

/// Lets `name` mean the image. The one that it meant before stays without a name, because containers may run from it,
/// unless it has other names.
void set_name(const state::Paths& paths, oci::Index& index, oci::Descriptor manifest, const std::string& name,
              const std::string& id) {
  std::vector<oci::Descriptor> kept;
  for (oci::Descriptor& entry : index.manifests) {
    const std::string entry_name = name_of(entry);
    const std::string entry_id = id_of(paths, entry);
    if (entry_id == id && (entry_name == name || entry_name.empty())) continue;
    if (entry_name == name) {
      const bool named_otherwise = std::ranges::any_of(index.manifests, [&](const oci::Descriptor& other) {
        return name_of(other) != name && id_of(paths, other) == entry_id;
      });
      if (named_otherwise) continue;
      entry.annotations.erase(std::string(oci::kAnnotationRefName));
    }
    kept.push_back(entry);
  }
  manifest.annotations[std::string(oci::kAnnotationRefName)] = name;
  manifest.annotations[std::string(kAnnotationImageId)] = id;
  kept.push_back(std::move(manifest));
  index.manifests = std::move(kept);
}

/// Makes the image of a layer that lies in `staging`, or is in place already when `staging` is null. nullopt when it
/// was thought to be in place and is not: removed meanwhile.
std::optional<ImportResult> publish(const state::Paths& paths, const ImportRequest& request, const LayerRecord& layer,
                                    StagingDirectory* staging) {
  ImportResult result{.id = {}, .reference = parse_reference(request.reference).text(), .already_there = true};
  std::vector<std::string> trash;
  {
    const FileLock lock = lock_index(paths);
    oci::Index index = load_index(paths);
    const std::string target = layer_directory(paths, layer.diff_id);
    const bool in_place = path_exists(target);
    if (!in_place && staging == nullptr) return std::nullopt;
    result.already_there = in_place;

    const std::string fs = in_place ? target + "/fs" : staging->path() + "/fs";
    const oci::Image image{.created = format_time(std::chrono::system_clock::from_time_t(layer.newest)),
                           .architecture = machine_architecture(),
                           .os = "linux",
                           .config = with_default_command(request.config, fs),
                           .diff_ids = {layer.diff_id}};
    const oci::Descriptor config = save_blob(paths, oci::kMediaTypeConfig, oci::to_json(image));
    const oci::Manifest manifest{.config = config, .layers = {layer.blob}, .annotations = {}};
    oci::Descriptor entry = save_blob(paths, oci::kMediaTypeManifest, oci::to_json(manifest));
    result.id = config.digest;
    if (!in_place) staging->become(target);
    sync_store(paths);
    set_name(paths, index, std::move(entry), result.reference, result.id);
    save_index(paths, index);
    trash = detach_orphan_layers(paths, index);
  }
  for (const std::string& path : trash) remove_tree(path);
  return result;
}

ImportResult import_source(const state::Paths& paths, const ImportRequest& request) {
  const Source source = open_source(request.source);
  create_layout(paths);
  sweep_staging(paths);
  std::optional<FileLock> lock;
  if (source.regular) {
    lock = FileLock::acquire(fmt::format("{}/import-{}.lock", paths.locks(), source.size));
    if (const std::optional<LayerRecord> layer = find_layer(paths, source))
      if (std::optional<ImportResult> result = publish(paths, request, *layer, nullptr)) return *result;
  }
  StagingDirectory staging = StagingDirectory::create(paths);
  Meter meter(request.progress, source.size);
  const LayerRecord layer = unpack_layer(source.fd.ref(), staging.fd(), request.wrapping_directory,
                                         [&meter](uint64_t bytes_read) { meter.update(bytes_read); });
  // A large layer goes to disk before the index lock is taken; what publish() then syncs is small.
  if (layer.size > kLargeLayer) sync_store(paths);
  return *publish(paths, request, layer, &staging);
}

}  // namespace

ImportResult import_tarball(const state::Paths& paths, const ImportRequest& request) {
  (void)parse_reference(request.reference);  // a bad name is not worth unpacking for
  try {
    return import_source(paths, request);
  } catch (Error& error) {
    error.add_context(request.source == "-" ? "import standard input" : fmt::format("import '{}'", request.source));
    throw;
  }
}

}  // namespace myct::image
