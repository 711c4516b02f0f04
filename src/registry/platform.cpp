#include "myct/registry/platform.hpp"

#include <sys/utsname.h>

#include <algorithm>
#include <optional>

#include "myct/base/error.hpp"
#include "myct/base/process.hpp"
#include "myct/base/units.hpp"

namespace myct::registry {
namespace {

constexpr std::string_view kUnknown = "unknown";  // build attestations are listed as manifests for it

bool is_word(std::string_view text) noexcept {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
           c == '-';
  });
}

std::string to_lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

/// 7 for "v7"; 0 for anything else.
uint64_t number_of(std::string_view variant) {
  return variant.starts_with('v') ? parse_unsigned(variant.substr(1)).value_or(0) : 0;
}

/// What a missing variant means.
uint64_t level_of(const Platform& platform) {
  if (const uint64_t number = number_of(platform.variant); number != 0) return number;
  if (platform.architecture == "arm64") return 8;
  if (platform.architecture == "arm") return 7;
  return 1;
}

/// The higher the better; nullopt when `wanted` cannot run it.
std::optional<uint64_t> fitness(const Platform& offered, const Platform& wanted) {
  if (offered.architecture.empty() && offered.os.empty()) return 0;
  if (offered.os != wanted.os || offered.architecture != wanted.architecture) return std::nullopt;
  if (offered.variant == wanted.variant) return UINT64_MAX;
  const uint64_t level = level_of(offered);
  if (level > level_of(wanted)) return std::nullopt;
  return level;
}

std::string list_platforms(const std::vector<PlatformManifest>& manifests) {
  std::string list;
  for (const PlatformManifest& manifest : manifests) {
    if (manifest.platform.os == kUnknown || manifest.platform.os.empty()) continue;
    list += (list.empty() ? "" : ", ") + manifest.platform.text();
  }
  return list.empty() ? "none" : list;
}

}  // namespace

std::string Platform::text() const { return os + "/" + architecture + (variant.empty() ? "" : "/" + variant); }

Platform normalize(Platform platform) {
  platform.os = to_lower(platform.os);
  platform.architecture = to_lower(platform.architecture);
  platform.variant = to_lower(platform.variant);
  if (platform.architecture == "x86_64" || platform.architecture == "x86-64") platform.architecture = "amd64";
  if (platform.architecture == "i386" || platform.architecture == "i686") platform.architecture = "386";
  if (platform.architecture == "aarch64") platform.architecture = "arm64";
  if (platform.architecture == "armhf") platform = {platform.os, "arm", "v7"};
  if (platform.architecture == "armel") platform = {platform.os, "arm", "v6"};
  if (number_of("v" + platform.variant) != 0) platform.variant = fmt::format("v{}", platform.variant);
  if (platform.architecture == "arm64" && platform.variant == "v8") platform.variant.clear();
  if (platform.architecture == "amd64" && platform.variant == "v1") platform.variant.clear();
  if (platform.architecture == "arm" && platform.variant.empty()) platform.variant = "v7";
  return platform;
}

Platform parse_platform(std::string_view text) {
  std::vector<std::string> words;
  for (size_t start = 0; start <= text.size();) {
    const size_t slash = std::min(text.find('/', start), text.size());
    words.emplace_back(text.substr(start, slash - start));
    start = slash + 1;
  }
  if (words.size() > 3 || !std::ranges::all_of(words, is_word))
    throw_error(ErrorKind::Invalid, "platform '{}' is not of the form OS/ARCHITECTURE[/VARIANT]", text);
  if (words.size() == 1) return normalize({.architecture = words[0]});
  return normalize({.os = words[0], .architecture = words[1], .variant = words.size() == 3 ? words[2] : ""});
}

Platform host_platform() {
  Platform platform{.architecture = machine_architecture()};
  struct utsname name {};
  // "armv7l"; what a 64-bit kernel offers to 32-bit programs is of no interest here.
  if (::uname(&name) == 0 && std::string_view(name.machine).starts_with("armv"))
    platform = {.architecture = "arm", .variant = std::string(name.machine).substr(3, 2)};
  return normalize(platform);
}

oci::Descriptor choose_platform(const std::vector<PlatformManifest>& manifests, const Platform& wanted,
                                std::string_view name) {
  const PlatformManifest* best = nullptr;
  uint64_t best_fitness = 0;
  for (const PlatformManifest& manifest : manifests) {
    const std::optional<uint64_t> found = fitness(manifest.platform, wanted);
    if (!found || (best != nullptr && *found <= best_fitness)) continue;
    best = &manifest;
    best_fitness = *found;
  }
  if (best == nullptr)
    throw Error(ErrorKind::NotFound, fmt::format("{} has nothing for {}", name, wanted.text()), 0,
                fmt::format("it is there for: {}; choose one with --platform", list_platforms(manifests)));
  return best->descriptor;
}

}  // namespace myct::registry
