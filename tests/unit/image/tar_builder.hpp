// Builds tar archives byte by byte, so that tests can say what no decent archiver would write.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <string>

namespace myct::image::test {

struct TarHeader {
  std::string name;
  char type = '0';
  mode_t mode = 0644;
  uint64_t uid = 0;
  uint64_t gid = 0;
  int64_t mtime = 1'000'000'000;
  std::string link;
  unsigned device_major = 0;
  unsigned device_minor = 0;
};

class TarBuilder {
 public:
  TarBuilder& add(const TarHeader& header, const std::string& content = {});
  TarBuilder& file(const std::string& name, const std::string& content = "content");
  TarBuilder& directory(const std::string& name);
  TarBuilder& symlink(const std::string& name, const std::string& target);
  TarBuilder& hard_link(const std::string& name, const std::string& target);
  /// Records of a pax header for the member that follows.
  TarBuilder& pax(const std::map<std::string, std::string>& records);
  /// GNU's "././@LongLink" for the member that follows.
  TarBuilder& gnu_long_name(const std::string& name);
  /// A directory tree that looks like a root, with an executable /bin/sh, all below `prefix`.
  TarBuilder& base_system(const std::string& prefix = {});

  /// The archive with its end marker.
  [[nodiscard]] std::string finish() const { return bytes_ + std::string(1024, '\0'); }
  /// The archive as far as it goes.
  [[nodiscard]] const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

[[nodiscard]] std::string gzip(const std::string& bytes);
[[nodiscard]] std::string xz(const std::string& bytes);
[[nodiscard]] std::string zstd(const std::string& bytes);
[[nodiscard]] std::string bzip2(const std::string& bytes);

}  // namespace myct::image::test
