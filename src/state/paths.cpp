#include "myct/state/paths.hpp"

#include <sys/stat.h>

#include "myct/base/error.hpp"
#include "myct/base/file.hpp"

namespace myct::state {

void Paths::make_roots() const {
  for (const std::string& path : {root_, runtime_dir_}) {
    if (path_exists(path)) continue;
    make_directories(path);
    if (::chmod(path.c_str(), 0700) == -1) throw_errno("set the mode of '{}'", path);
  }
}

}  // namespace myct::state
