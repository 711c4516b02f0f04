// Names in index.json: which entry has which.
#pragma once

#include <string>
#include <vector>

#include "myct/spec/image_spec.hpp"
#include "myct/state/paths.hpp"

namespace myct::image {

/// Lets `names` mean the image of `entry`, which carries its id; without names it gets an entry without one, unless it
/// has another. What a name meant before stays without a name, because containers may run from it, unless it has
/// others.
void set_names(const state::Paths& paths, oci::Index& index, const oci::Descriptor& entry,
               const std::vector<std::string>& names);

}  // namespace myct::image
