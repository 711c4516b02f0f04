// Instructions that change an image's configuration: --change of import and commit, as in docker's.
#pragma once

#include <string_view>

#include "myct/spec/image_spec.hpp"

namespace myct::image {

/// Applies one of CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, ONBUILD, STOPSIGNAL, USER, VOLUME and WORKDIR, in the forms that
/// a Dockerfile has them (Dockerfile reference): CMD ["a", "b"] or CMD a b; ENV A=1 B="two words" or ENV A value. Pure.
/// Throws Error{Usage} that names the instruction.
void apply_change(oci::ImageConfig& config, std::string_view instruction);

}  // namespace myct::image
