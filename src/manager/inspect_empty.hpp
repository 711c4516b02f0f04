// Members of docker's inspect documents that have one value here, because what they tell of does not exist.
#pragma once

#include <nlohmann/json.hpp>

namespace myct::manager {

/// Adds those that a container's document lacks, so that templates written for docker find every field that they ask
/// for. What the document has already stays.
void add_empty_members(nlohmann::ordered_json& document);

}  // namespace myct::manager
