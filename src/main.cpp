#include "myct/base/fd.hpp"
#include "myct/cli/app.hpp"

int main(int argc, char** argv) {
  myct::ensure_standard_descriptors();
  return myct::cli::run_app(argc, argv);
}
