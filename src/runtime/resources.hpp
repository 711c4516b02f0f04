// Limits as other programs write them.
#pragma once

#include "myct/spec/resources.hpp"

namespace myct::runtime {

/// Takes out what means nothing: 0 stands for "not given" there.
void drop_zeros(oci::Resources& resources);

/// Takes out what a new group is by itself, unlimited and with the usual share, also on a host without the controller.
void drop_defaults(oci::Resources& resources);

}  // namespace myct::runtime
