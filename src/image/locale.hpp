// Names of files are bytes; libarchive would make text of them.
#pragma once

#include <locale.h>

namespace myct::image {

/// libarchive converts the UTF-8 names of pax headers to the thread's locale, and normalises them on the way: "é"
/// written as two characters would become one, and a link to it dangle. In the C locale the conversion of anything
/// but ASCII fails, and libarchive then takes and hands out the bytes as they are, which is what a file name is.
class BytesAreNames {
 public:
  BytesAreNames() noexcept : c_locale_(::newlocale(LC_ALL_MASK, "C", nullptr)), saved_(::uselocale(c_locale_)) {}
  ~BytesAreNames() {
    ::uselocale(saved_);
    ::freelocale(c_locale_);
  }
  BytesAreNames(const BytesAreNames&) = delete;
  BytesAreNames& operator=(const BytesAreNames&) = delete;

 private:
  locale_t c_locale_;
  locale_t saved_;
};

}  // namespace myct::image
