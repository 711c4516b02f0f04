// Points in time as lists show them.
#pragma once

#include <string>

#include "myct/base/units.hpp"

namespace myct::cli {

/// "5 minutes"
[[nodiscard]] std::string duration_since(SystemTime time);
/// "2024-05-01 10:00:00 +0200 CEST", in the user's time zone.
[[nodiscard]] std::string local_time(SystemTime time);

}  // namespace myct::cli
