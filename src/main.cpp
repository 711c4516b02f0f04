#include <string_view>

#include "myct/base/fd.hpp"
#include "myct/cli/app.hpp"
#include "myct/cli/oci_app.hpp"

int main(int argc, char** argv) {
  myct::ensure_standard_descriptors();
  const std::string_view name = argc > 0 ? argv[0] : "";
  if (name.substr(name.find_last_of('/') + 1) == myct::cli::kRuntimeName) return myct::cli::run_oci(argc, argv);
  if (argc > 1 && std::string_view(argv[1]) == "oci") return myct::cli::run_oci(argc - 1, argv + 1);
  return myct::cli::run_app(argc, argv);
}
