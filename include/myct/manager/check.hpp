// What kills, crashes and hands that meddle have left over.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "myct/manager/request.hpp"

namespace myct::manager {

/// One thing that is not as it should be.
struct Finding {
  std::string object;   ///< "container 0123456789ab", "name 'web'"
  std::string problem;  ///< "its myct was killed before its end was recorded"
  std::string remedy;   ///< what repair does: "removes it"
  std::function<void()> repair;
};

/// Looks at everything that myct keeps, changes nothing, and waits for no lock. Throws Error when it cannot look.
[[nodiscard]] std::vector<Finding> check(const Context& context);

}  // namespace myct::manager
