// Imports that meet each other, are killed, or run out of room: none or a whole image, and nothing else left.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "staging.hpp"
#include "tar_builder.hpp"
#include "temp_store.hpp"

namespace myct::image::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

std::string large_archive() {
  TarBuilder tar;
  tar.base_system();
  for (int i = 0; i < 400; ++i) tar.file(fmt::format("usr/file-{}", i), std::string(10'000, static_cast<char>(i)));
  return tar.finish();
}

/// Starts a child that imports `source`; returns its pid.
pid_t start_import(const TempStore& store, const std::string& source) {
  const pid_t child = ::fork();
  if (child != 0) return child;
  try {
    (void)import_tarball(store.paths(), {.source = source, .reference = "test"});
  } catch (const Error&) {
    ::_exit(1);
  }
  ::_exit(0);
}

int wait_for(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) == -1 && errno == EINTR) {
  }
  return status;
}

void expect_one_whole_image(const TempStore& store) {
  ASSERT_THAT(list(store.paths()), SizeIs(1));
  EXPECT_THAT(store.layers(), SizeIs(1));
  EXPECT_THAT(store.blobs(), SizeIs(3));
  const Rootfs rootfs = resolve(store.paths(), {.image = "test"});
  EXPECT_EQ(read_file(rootfs.lowerdirs.front() + "/usr/file-399"), std::string(10'000, static_cast<char>(399)));
}

TEST(ConcurrentImports, of_one_file_end_in_one_image) {
  const TempStore store;
  const std::string path = store.put("a.tar.gz", gzip(large_archive()));
  std::vector<pid_t> children;
  for (int i = 0; i < 6; ++i) children.push_back(start_import(store, path));
  for (const pid_t child : children) EXPECT_EQ(wait_for(child), 0);
  expect_one_whole_image(store);
}

TEST(ConcurrentImports, of_pipes_with_the_same_content_end_in_one_image) {
  const TempStore store;
  const std::string bytes = large_archive();
  std::vector<pid_t> children;
  for (int i = 0; i < 3; ++i) {
    const std::string fifo = fmt::format("{}/fifo-{}", store.directory(), i);
    ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
    children.push_back(start_import(store, fifo));
    const pid_t feeder = ::fork();
    if (feeder == 0) {
      write_all(open_path(fifo, O_WRONLY).ref(), bytes, fifo);
      ::_exit(0);
    }
    children.push_back(feeder);
  }
  for (const pid_t child : children) EXPECT_EQ(wait_for(child), 0);
  expect_one_whole_image(store);
}

/// Whether something in layers/ or images/ matches: what the killer below waits for.
bool has_reached(const TempStore& store, const std::string& marker) {
  if (path_exists(store.paths().root() + "/" + marker)) return true;
  for (const std::string& name : list_directory(store.paths().layers(), Hidden::Include)) {
    if (marker == "layer" && !name.starts_with('.')) return true;
    if (path_exists(store.paths().layers() + "/" + name + "/" + marker)) return true;
  }
  return marker == "blob" && !store.blobs().empty();
}

TEST(KilledImport, leaves_none_or_a_whole_image) {
  for (const char* marker : {"images", "layers", ".", "unpacked/bin", "unpacked/usr/file-100", "unpacked/usr/file-399",
                             "fs", "layer.json", "blob", "layer", "images/index.json"}) {
    const TempStore store;
    const std::string path = store.put("a.tar", large_archive());
    const pid_t child = start_import(store, path);
    while (!has_reached(store, marker) && ::waitpid(child, nullptr, WNOHANG | WNOWAIT) == 0) {
    }
    ::kill(child, SIGKILL);
    (void)wait_for(child);
    const std::vector<ImageSummary> images = list(store.paths());
    if (images.size() == 1) expect_one_whole_image(store);
    EXPECT_LE(images.size(), 1U) << marker;
    // The next import clears away what is left and is as good as the first.
    (void)import_tarball(store.paths(), {.source = path, .reference = "test"});
    expect_one_whole_image(store);
  }
}

TEST(KilledImport, is_swept_by_the_import_of_another_file) {
  const TempStore store;
  const std::string fifo = store.directory() + "/fifo";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  const pid_t child = start_import(store, fifo);
  {
    const Fd feed = open_path(fifo, O_WRONLY);
    const std::string bytes = large_archive();
    write_all(feed.ref(), bytes.substr(0, bytes.size() / 2), "fifo");
    while (!has_reached(store, "unpacked/usr/file-20") && ::waitpid(child, nullptr, WNOHANG | WNOWAIT) == 0) {
    }
    EXPECT_THAT(store.layers(), SizeIs(1));
    // A living import is left alone.
    sweep_staging(store.paths());
    EXPECT_THAT(store.layers(), SizeIs(1));
    ::kill(child, SIGKILL);
  }
  (void)wait_for(child);
  sweep_staging(store.paths());
  EXPECT_THAT(store.layers(), IsEmpty());
}

TEST(RefusedPipe, is_not_read_to_its_end) {
  const TempStore store;
  const std::string fifo = store.directory() + "/fifo";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  const pid_t child = start_import(store, fifo);
  const Fd feed = open_path(fifo, O_WRONLY);
  // The writer keeps the pipe open: the refusal must not wait for more. The files in front keep the writing side busy
  // until the reading side waits.
  TarBuilder tar;
  for (int i = 0; i < 200; ++i) tar.file(fmt::format("file-{}", i));
  std::string bytes = tar.file("../evil").bytes();
  bytes.resize(300'000);
  write_all(feed.ref(), bytes, "fifo");
  EXPECT_EQ(WEXITSTATUS(wait_for(child)), 1);
  EXPECT_THAT(store.layers(), IsEmpty());
}

TEST(FullDisk, ends_in_an_error_and_leaves_nothing) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to mount a small file system";
  const TempStore store;
  const std::string path = store.put("a.tar", large_archive());
  make_directories(store.paths().root());
  const std::string result = in_child([&] {
    if (::unshare(CLONE_NEWNS) == -1 || ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == -1)
      throw_errno("make a mount namespace");
    if (::mount("small", store.paths().root().c_str(), "tmpfs", 0, "size=1m") == -1) throw_errno("mount a tmpfs");
    std::string error = "no error";
    try {
      (void)import_tarball(store.paths(), {.source = path, .reference = "test"});
    } catch (const Error& e) {
      error = e.what();
    }
    return fmt::format("{}; layers {}, blobs {}, images {}", error, store.layers().size(), store.blobs().size(),
                       list(store.paths()).size());
  });
  EXPECT_THAT(result, HasSubstr("write '"));
  EXPECT_THAT(result, HasSubstr("No space left on device; layers 0, blobs 0, images 0"));
}

TEST(LargeImport, keeps_its_memory_flat) {
  const TempStore store;
  TarBuilder tar;
  tar.base_system();
  for (int i = 0; i < 60; ++i) tar.file(fmt::format("usr/file-{}", i), std::string(1 << 20, static_cast<char>(i)));
  const std::string path = store.put("a.tar.gz", gzip(tar.finish()));
  const std::string grown = in_child([&] {
    // VmHWM begins at what the parent had resident; writing 5 to clear_refs starts it anew (proc(5)).
    write_file_at(FdRef(AT_FDCWD), "/proc/self/clear_refs", "5");
    const auto peak = [] {
      const std::string status = read_file("/proc/self/status");
      return std::stol(status.substr(status.find("VmHWM:") + 6));
    };
    const long before = peak();
    (void)import_tarball(store.paths(), {.source = path, .reference = "test"});
    return std::to_string(peak() - before);
  });
  EXPECT_LT(std::stol(grown), 32 * 1024) << "KiB";
}

}  // namespace
}  // namespace myct::image::test
