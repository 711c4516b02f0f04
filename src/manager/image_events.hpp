// Events of images.
#pragma once

#include <string>
#include <string_view>

#include "myct/manager/request.hpp"
#include "myct/registry/reference.hpp"

namespace myct::manager {

/// Of what happened to an image of the store: docker's word, the image's id, and a name that it has or had; its labels
/// come of themselves. Never fails.
void tell_of_image(const Context& context, const std::string& id, std::string_view action, const std::string& name);
/// Of a pull or a push, which docker tells by the name that was asked for.
void tell_of_transfer(const Context& context, const registry::RegistryReference& reference, std::string_view action);

}  // namespace myct::manager
