// A tar archive put together from members: pax, written by libarchive to a descriptor. Nothing is read here.
#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <vector>

#include "digest.hpp"
#include "myct/base/fd.hpp"
#include "myct/image/archive.hpp"
#include "tar_reader.hpp"

namespace myct::image {

/// A piece of a file that is no hole.
struct DataRegion {
  uint64_t offset = 0;
  uint64_t length = 0;
};

class TarWriter {
 public:
  /// `out` must outlive the writer. Throws Error.
  TarWriter(FdRef out, TarForm form);
  ~TarWriter();
  TarWriter(const TarWriter&) = delete;
  TarWriter& operator=(const TarWriter&) = delete;

  /// Begins a member. `regions`: where a regular file's data lies, if it has holes that shall be left out. Access lists
  /// travel among the extended attributes. Throws Error.
  void begin(const Member& member, const std::vector<DataRegion>& regions = {});
  /// Content of the member, from its beginning to its end, holes as zeros; what is missing at the end becomes zeros.
  void write(Bytes bytes);
  /// After the last member: the end marker. Throws Error.
  void finish();

  [[nodiscard]] uint64_t bytes_written() const noexcept { return bytes_written_; }

 private:
  static ssize_t drain(archive* writer, void* self, const void* buffer, size_t size) noexcept;
  void check(ssize_t result, std::string_view what);

  struct Close {
    void operator()(archive* writer) const noexcept;
  };

  FdRef out_;
  std::unique_ptr<archive, Close> writer_;
  std::exception_ptr failure_;
  uint64_t bytes_written_ = 0;
};

}  // namespace myct::image
