// linux.resources to and from JSON values, for the documents that hold it.
#pragma once

#include "myct/base/json.hpp"
#include "myct/spec/resources.hpp"

namespace myct::oci {

/// An object without members when nothing is set.
[[nodiscard]] json::Value resources_to_value(const Resources& resources);
/// Throws Error{Invalid} naming the member.
[[nodiscard]] Resources resources_from_value(const json::Value& value);

}  // namespace myct::oci
