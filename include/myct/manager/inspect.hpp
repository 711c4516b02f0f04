// All that is known about one container or image, as docker inspect's document.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "myct/manager/request.hpp"
#include "myct/state/record.hpp"

namespace myct::manager {

/// The exit status of a container whose end nobody saw.
constexpr int kUnknownExit = 255;

/// The exit status of the last run; 255 for one that was cut short by a kill or the end of the boot, as docker has it,
/// and 0 for a container that has not ended.
[[nodiscard]] int exit_code_of(const state::Record& record) noexcept;

struct ContainerSize {
  uint64_t written = 0;  ///< bytes of the files that the container made or changed
  uint64_t image = 0;    ///< bytes of its image's files; 0 when the image is gone
};
/// Walks over the container's upper directory. Throws Error.
[[nodiscard]] ContainerSize measure_container(const Context& context, const state::Record& record);

enum class WithSize : uint8_t { No, Yes };

/// Members have docker's names and meanings; what is not known is left out. nullopt when there is no such container;
/// throws Error{Conflict} when the id prefix is ambiguous, Error when its files cannot be read.
[[nodiscard]] std::optional<nlohmann::ordered_json> try_inspect_container(const Context& context,
                                                                          const std::string& reference, WithSize size);

/// The same for an image.
[[nodiscard]] std::optional<nlohmann::ordered_json> try_inspect_image(const Context& context, const std::string& name);

}  // namespace myct::manager
