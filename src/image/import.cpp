// Brings a root file system's tarball into the store, as an image of one layer.
//
// Two imports of the same file wait for each other on a lock named by the file's size, which costs nothing to know;
// the second then finds the layer by size and digest. Pipes cannot be recognised beforehand: both are unpacked, and
// the rename decides. The image's time is that of the newest file in it, not that of the import, so that the same
// tarball and name give the same image wherever and whenever they are imported.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>

#include "digest.hpp"
#include "layer.hpp"
#include "layout.hpp"
#include "meter.hpp"
#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/base/process.hpp"
#include "myct/image/ingest.hpp"
#include "myct/image/reference.hpp"
#include "myct/image/store.hpp"

namespace myct::image {
namespace {

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

/// The layer that was unpacked from this very file. Only files of the same size are worth hashing.
std::optional<LayerRecord> find_layer(const state::Paths& paths, const Source& source) {
  std::string digest;
  for (const std::string& name : list_directory(paths.layers(), Hidden::Include)) {
    if (!is_hex(name)) continue;
    const std::optional<LayerRecord> layer = try_load_layer(paths, "sha256:" + name);
    if (!layer) continue;
    const oci::Descriptor& file = layer->source ? *layer->source : layer->blob;
    if (file.size != source.size) continue;
    if (digest.empty()) digest = digest_of_file(source.fd.ref());
    if (file.digest == digest) return layer;
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

oci::Image image_of(const state::Paths& paths, const ImportRequest& request, const LayerResult& layer) {
  const std::optional<LayerRecord> record = try_load_layer(paths, layer.diff_id);
  if (!record) throw_error(ErrorKind::Internal, "layer {} is gone", layer.diff_id);
  oci::Image image{.created = format_time(std::chrono::system_clock::from_time_t(record->newest)),
                   .architecture = machine_architecture(),
                   .os = "linux",
                   .config = with_default_command(request.config, layer_fs(paths, layer.diff_id)),
                   .diff_ids = {layer.diff_id}};
  if (request.platform) {
    image.os = request.platform->os;
    image.architecture = request.platform->architecture;
    image.variant = request.platform->variant;
  }
  if (!request.comment.empty())
    image.history.push_back({.created = image.created, .created_by = {}, .author = {}, .comment = request.comment});
  return image;
}

ImportResult publish(Ingest& ingest, const ImportRequest& request, const oci::Image& image, const LayerResult& layer) {
  ImageDocuments documents{.manifest = {},
                           .manifest_media_type = std::string(oci::kMediaTypeManifest),
                           .config = oci::to_json(image),
                           .names = {request.reference}};
  const oci::Manifest manifest{.config = {.media_type = std::string(oci::kMediaTypeConfig),
                                          .digest = digest_of(documents.config),
                                          .size = documents.config.size(),
                                          .annotations = {}},
                               .layers = {layer.blob},
                               .annotations = {}};
  documents.manifest = oci::to_json(manifest);
  return {.id = ingest.commit(documents),
          .reference = parse_reference(request.reference).text(),
          .already_there = layer.already_there};
}

ImportResult import_source(const state::Paths& paths, const ImportRequest& request) {
  const Source source = open_source(request.source);
  Ingest ingest(paths);
  std::optional<FileLock> lock;
  std::optional<LayerRecord> known;
  if (source.regular) {
    lock = FileLock::acquire(fmt::format("{}/import-{}.lock", paths.locks(), source.size));
    known = find_layer(paths, source);
  }
  LayerResult layer;
  if (known && ingest.has_layer(known->diff_id) && ingest.has_blob(known->blob.digest)) {
    layer = {.blob = known->blob, .diff_id = known->diff_id, .already_there = true};
  } else {
    Meter meter(request.progress, source.size);
    layer = ingest.put_layer({.blob = {}, .diff_id = {}, .wrapping_directory = request.wrapping_directory},
                             bytes_of(source.fd.ref()), [&meter](uint64_t bytes_read) { meter.update(bytes_read); });
  }
  return publish(ingest, request, image_of(paths, request, layer), layer);
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
