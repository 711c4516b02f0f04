// What network inspect prints, with docker's members.
#pragma once

#include <string>

#include "myct/manager/request.hpp"
#include "template.hpp"

namespace myct::cli {

/// Throws Error{NotFound}.
[[nodiscard]] Json build_network_document(const manager::Context& context, const std::string& reference);

}  // namespace myct::cli
