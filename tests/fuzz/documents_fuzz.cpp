// An image's documents, as a registry or an archive has them: whatever they say, they are taken or refused by an Error,
// and what is taken can be written and read again.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "myct/base/error.hpp"
#include "myct/image/ingest.hpp"
#include "myct/image/reference.hpp"
#include "myct/spec/image_spec.hpp"

namespace {

using namespace myct;

/// An Error where nothing may fail any more is a finding.
template <typename Work>
void must_succeed(const Work& work) noexcept {
  work();
}

void read_manifest(std::string_view text) {
  const oci::Manifest manifest = oci::manifest_from_json(text, "manifest");
  must_succeed([&] { (void)oci::manifest_from_json(oci::to_json(manifest), "manifest written anew"); });
}

void read_index(std::string_view text) {
  const oci::Index index = oci::index_from_json(text, "index");
  must_succeed([&] { (void)oci::index_from_json(oci::to_json(index), "index written anew"); });
}

void read_image(std::string_view text) {
  const oci::Image image = oci::image_from_json(text, "configuration");
  must_succeed([&] { (void)oci::image_from_json(oci::to_json(image), "configuration written anew"); });
}

void read_pair(std::string_view text) {
  const size_t end = text.find('\0');
  (void)image::check_documents(text.substr(0, end), end == std::string_view::npos ? "" : text.substr(end + 1));
}

void read_name(std::string_view text) {
  const image::Reference reference = image::parse_reference(text);
  must_succeed([&] { (void)image::parse_reference(reference.text()); });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  try {
    switch (data[0]) {
      case 'm':
        read_manifest(text);
        break;
      case 'i':
        read_index(text);
        break;
      case 'c':
        read_image(text);
        break;
      case 'p':
        read_pair(text);
        break;
      case 'n':
        read_name(text);
        break;
      default:
        break;
    }
  } catch (const Error&) {
    // Refused: that is what an Error is for.
  }
  return 0;
}
