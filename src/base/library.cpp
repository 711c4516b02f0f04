#include "myct/base/library.hpp"

#include <dlfcn.h>

#include "myct/base/error.hpp"

namespace myct {

Library::Library(const char* name, std::string_view what_for, const char* remedy)
    : name_(name), handle_(::dlopen(name, RTLD_NOW | RTLD_LOCAL)) {
  if (handle_ == nullptr) throw Error(ErrorKind::Unsupported, fmt::format("load {}, {}", name, what_for), 0, remedy);
}

void* Library::find_symbol(const char* symbol) const {
  void* address = ::dlsym(handle_, symbol);
  if (address == nullptr) throw_error(ErrorKind::Unsupported, "{} has no {}", name_, symbol);
  return address;
}

}  // namespace myct
