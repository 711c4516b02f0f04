// What the records' readers and writers share.
#pragma once

#include <string_view>

namespace myct::state {

constexpr int kRecordVersion = 1;

/// Throws Error{Unsupported} that names the file, unless this myct knows the version.
void check_version(int version, std::string_view name);

}  // namespace myct::state
