#include "myct/base/standard_streams.hpp"

#include <fcntl.h>
#include <unistd.h>

#include "myct/base/error.hpp"
#include "myct/base/file.hpp"

namespace myct {

void silence_standard_streams() {
  const Fd null = open_path("/dev/null", O_RDWR);
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (::dup2(null.get(), stream) == -1) throw_errno("close the standard streams");
}

}  // namespace myct
