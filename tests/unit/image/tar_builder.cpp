#include "tar_builder.hpp"

#include <bzlib.h>
#include <fmt/core.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>

namespace myct::image::test {
namespace {

constexpr size_t kBlock = 512;

void put(std::string& block, size_t offset, size_t width, const std::string& text) {
  std::memcpy(block.data() + offset, text.data(), std::min(width, text.size()));
}

std::string padded(std::string bytes) {
  bytes.resize((bytes.size() + kBlock - 1) / kBlock * kBlock);
  return bytes;
}

/// "<length> <key>=<value>\n", where the length counts itself.
std::string pax_record(const std::string& key, const std::string& value) {
  const size_t body = key.size() + value.size() + 3;
  size_t length = body;
  while (length != body + std::to_string(length).size()) length = body + std::to_string(length).size();
  return fmt::format("{} {}={}\n", length, key, value);
}

}  // namespace

TarBuilder& TarBuilder::add(const TarHeader& header, const std::string& content) {
  std::string block(kBlock, '\0');
  put(block, 0, 100, header.name);
  put(block, 100, 8, fmt::format("{:07o}", header.mode));
  put(block, 108, 8, fmt::format("{:07o}", header.uid));
  put(block, 116, 8, fmt::format("{:07o}", header.gid));
  put(block, 124, 12, fmt::format("{:011o}", content.size()));
  put(block, 136, 12, fmt::format("{:011o}", header.mtime));
  put(block, 148, 8, "        ");
  block[156] = header.type;
  put(block, 157, 100, header.link);
  put(block, 257, 8,
      std::string("ustar\0"
                  "00",
                  8));
  put(block, 329, 8, fmt::format("{:07o}", header.device_major));
  put(block, 337, 8, fmt::format("{:07o}", header.device_minor));
  unsigned sum = 0;
  for (const char c : block) sum += static_cast<unsigned char>(c);
  put(block, 148, 8, fmt::format("{:06o}", sum) + std::string("\0 ", 2));
  bytes_ += block + padded(content);
  return *this;
}

TarBuilder& TarBuilder::file(const std::string& name, const std::string& content) {
  return add({.name = name}, content);
}
TarBuilder& TarBuilder::directory(const std::string& name) {
  return add({.name = name + "/", .type = '5', .mode = 0755});
}
TarBuilder& TarBuilder::symlink(const std::string& name, const std::string& target) {
  return add({.name = name, .type = '2', .mode = 0777, .link = target});
}
TarBuilder& TarBuilder::hard_link(const std::string& name, const std::string& target) {
  return add({.name = name, .type = '1', .link = target});
}

TarBuilder& TarBuilder::pax(const std::map<std::string, std::string>& records) {
  std::string content;
  for (const auto& [key, value] : records) content += pax_record(key, value);
  return add({.name = "PaxHeaders/x", .type = 'x'}, content);
}

TarBuilder& TarBuilder::gnu_long_name(const std::string& name) {
  return add({.name = "././@LongLink", .type = 'L'}, name + std::string(1, '\0'));
}

TarBuilder& TarBuilder::base_system(const std::string& prefix) {
  for (const char* name : {"bin", "etc", "usr"}) directory(prefix + name);
  file(prefix + "etc/passwd", "root:x:0:0::/root:/bin/sh\nlisa:x:1234:1234::/:/bin/sh\n");
  return add({.name = prefix + "bin/sh", .mode = 0755}, "#!");
}

std::string gzip(const std::string& bytes) {
  z_stream stream{};
  if (::deflateInit2(&stream, 6, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
    throw std::runtime_error("deflateInit2");
  std::string out(::deflateBound(&stream, bytes.size()), '\0');
  std::string in = bytes;
  stream.next_in = reinterpret_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<unsigned>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<unsigned>(out.size());
  ::deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  ::deflateEnd(&stream);
  return out;
}

std::string xz(const std::string& bytes) {
  std::string out(::lzma_stream_buffer_bound(bytes.size()), '\0');
  size_t size = 0;
  if (::lzma_easy_buffer_encode(0, LZMA_CHECK_CRC64, nullptr, reinterpret_cast<const uint8_t*>(bytes.data()),
                                bytes.size(), reinterpret_cast<uint8_t*>(out.data()), &size, out.size()) != LZMA_OK)
    throw std::runtime_error("lzma_easy_buffer_encode");
  out.resize(size);
  return out;
}

std::string zstd(const std::string& bytes) {
  std::string out(::ZSTD_compressBound(bytes.size()), '\0');
  out.resize(::ZSTD_compress(out.data(), out.size(), bytes.data(), bytes.size(), 1));
  return out;
}

std::string bzip2(const std::string& bytes) {
  std::string in = bytes;
  std::string out(bytes.size() + bytes.size() / 50 + 1024, '\0');
  auto size = static_cast<unsigned>(out.size());
  if (::BZ2_bzBuffToBuffCompress(out.data(), &size, in.data(), static_cast<unsigned>(in.size()), 1, 0, 0) != BZ_OK)
    throw std::runtime_error("BZ2_bzBuffToBuffCompress");
  out.resize(size);
  return out;
}

}  // namespace myct::image::test
