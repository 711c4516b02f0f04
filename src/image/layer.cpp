#include "layer.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>

#include "layout.hpp"
#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/base/json.hpp"
#include "staging.hpp"
#include "stream.hpp"
#include "tree_writer.hpp"

namespace myct::image {
namespace {

constexpr int kRecordVersion = 1;

json::Value blob_to_json(const oci::Descriptor& blob) {
  return {{"mediaType", blob.media_type}, {"digest", blob.digest}, {"size", blob.size}};
}

oci::Descriptor blob_from_json(const json::Value& value) {
  oci::Descriptor blob;
  json::read(value, "mediaType", blob.media_type);
  json::read(value, "digest", blob.digest);
  json::read(value, "size", blob.size);
  return blob;
}

bool is_directory(const std::string& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

/// At least two of the names that every root file system has.
bool looks_like_root(const std::string& directory) {
  constexpr std::array<const char*, 8> kNames{"bin", "sbin", "lib", "usr", "etc", "var", "dev", "proc"};
  return std::ranges::count_if(kNames, [&](const char* name) {
           struct stat status {};
           return ::lstat((directory + "/" + name).c_str(), &status) == 0 && !S_ISREG(status.st_mode);
         }) >= 2;
}

/// Renames the unpacked tree, or the directory in it that wraps everything, to fs/. Whether there was one.
bool settle(FdRef staging, const std::string& wrapping_directory) {
  const std::string unpacked = fmt::format("/proc/self/fd/{}/unpacked", staging.get());
  std::optional<std::string> wrapping;
  if (!wrapping_directory.empty() && !looks_like_root(unpacked)) {
    wrapping = clean_member_name(wrapping_directory);
    // One name only: a longer one could pass through a symbolic link.
    if (wrapping->empty() || wrapping->find('/') != std::string::npos || !is_directory(unpacked + "/" + *wrapping))
      throw_error(ErrorKind::Invalid, "no directory '{}' at its top", wrapping_directory);
  } else {
    wrapping = find_wrapping_directory(unpacked);
  }
  const std::string root = wrapping ? "unpacked/" + *wrapping : "unpacked";
  if (::renameat(staging.get(), root.c_str(), staging.get(), "fs") == -1) throw_errno("rename the unpacked root");
  if (wrapping) remove_tree_at(staging, "unpacked");
  return wrapping.has_value();
}

void rename_unpacked(FdRef staging) {
  if (::renameat(staging.get(), "unpacked", staging.get(), "fs") == -1) throw_errno("rename the unpacked layer");
}

}  // namespace

std::string layer_media_type(Compression compression) {
  const std::string plain(oci::kMediaTypeLayer);
  // The specification registers gzip and zstd; the others are named likewise, for people to read.
  return compression == Compression::None ? plain : plain + "+" + std::string(compression_name(compression));
}

std::string to_json(const LayerRecord& record) {
  json::Value document{{"version", kRecordVersion},
                       {"diff_id", record.diff_id},
                       {"blob", blob_to_json(record.blob)},
                       {"size", record.size},
                       {"newest", record.newest}};
  if (record.source) document["source"] = blob_to_json(*record.source);
  return document.dump();
}

LayerRecord layer_from_json(std::string_view text, std::string_view name) {
  const json::Value document = json::parse(text, name);
  LayerRecord record;
  int version = 0;
  json::read(document, "version", version);
  if (version != kRecordVersion) throw_error(ErrorKind::Unsupported, "read '{}': unknown version {}", name, version);
  json::read(document, "diff_id", record.diff_id);
  json::read(document, "size", record.size);
  json::read(document, "newest", record.newest);
  if (const auto blob = document.find("blob"); blob != document.end()) record.blob = blob_from_json(*blob);
  if (const auto source = document.find("source"); source != document.end()) record.source = blob_from_json(*source);
  return record;
}

std::optional<LayerRecord> try_load_layer(const state::Paths& paths, std::string_view diff_id) {
  const std::string path = layer_directory(paths, diff_id) + "/layer.json";
  const std::optional<std::string> text = try_read_file(path);
  if (!text) return std::nullopt;
  return layer_from_json(*text, path);
}

std::optional<std::string> find_wrapping_directory(const std::string& root) {
  if (looks_like_root(root)) return std::nullopt;
  std::optional<std::string> only;
  for (const std::string& name : list_directory(root, Hidden::Include)) {
    struct stat status {};
    if (::lstat(fmt::format("{}/{}", root, name).c_str(), &status) == -1) throw_errno("inspect '{}'", name);
    // Arch's bootstrap has a list of packages beside its root.x86_64: files do not matter, a second directory does.
    if (S_ISREG(status.st_mode)) continue;
    if (!S_ISDIR(status.st_mode) || only) return std::nullopt;
    only = name;
  }
  if (only && looks_like_root(root + "/" + *only)) return only;
  return std::nullopt;
}

Unpacked unpack_layer(TarStream& stream, FdRef staging, const std::optional<std::string>& wrapping_directory,
                      const std::function<void(uint64_t bytes_read)>& progress) {
  if (::mkdirat(staging.get(), "unpacked", 0755) == -1) throw_errno("make the layer's directory");
  const Fd root = open_at(staging, "unpacked", O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (::fchmod(root.get(), 0755) == -1) throw_errno("set the mode of the layer's directory");

  TreeWriter writer(root.ref());
  TarReader reader(stream, [&] {
    writer.check_room(stream.bytes_read());
    if (progress) progress(stream.bytes_read());
  });
  while (std::optional<Member> member = reader.next()) writer.write(std::move(*member), reader);
  // A layer that changes nothing is an archive without members; a root file system has some.
  if (writer.members() == 0 && wrapping_directory) throw_error(ErrorKind::Invalid, "an archive without members");
  writer.finish();
  Unpacked unpacked;
  for (const std::string& directory : writer.implied()) unpacked.implied += directory + '\0';
  if (wrapping_directory)
    unpacked.unwrapped = settle(staging, *wrapping_directory);
  else
    rename_unpacked(staging);

  const StreamTotals& totals = stream.totals();
  unpacked.record = {.diff_id = totals.diff_id,
                     .blob = {.media_type = layer_media_type(totals.compression),
                              .digest = totals.blob_digest,
                              .size = totals.blob_size,
                              .annotations = {}},
                     .size = writer.bytes_written(),
                     .newest = writer.newest_mtime()};
  return unpacked;
}

}  // namespace myct::image
