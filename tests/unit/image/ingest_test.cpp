// Images of several layers coming into the store: whole, verified, and shared.
#include "myct/image/ingest.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "digest.hpp"
#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "tar_builder.hpp"
#include "temp_store.hpp"
#include "test_layer.hpp"

namespace myct::image::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

ByteSource untouched() {
  return {.read = [](std::span<uint8_t>) -> size_t {
    ADD_FAILURE() << "the source was read";
    return 0;
  }};
}

const TestLayer& base() {
  static const TestLayer layer(TarBuilder().base_system());
  return layer;
}
const TestLayer& upper() {
  static const TestLayer layer(TarBuilder().directory("etc").file("etc/new").file("etc/.wh.passwd", ""));
  return layer;
}

template <typename Body>
std::string error_of(Body body) {
  try {
    body();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(Ingest, makes_an_image_of_several_layers_and_keeps_every_byte) {
  const TempStore store;
  const ImageDocuments documents = documents_of({base(), upper()}, {"two"});
  Ingest ingest(store.paths());
  EXPECT_EQ(put_image(ingest, {base(), upper()}, "two"), digest_of(documents.config));
  const Rootfs rootfs = resolve(store.paths(), {.image = "docker.io/library/two"});
  ASSERT_THAT(rootfs.lowerdirs, SizeIs(2));
  EXPECT_TRUE(path_exists(rootfs.lowerdirs[0] + "/etc/new")) << "the topmost comes first";
  EXPECT_TRUE(path_exists(rootfs.lowerdirs[1] + "/bin/sh"));
  for (const std::string& bytes : {documents.config, documents.manifest, base().blob, upper().blob})
    EXPECT_EQ(read_file(store.paths().images() + "/blobs/sha256/" + digest_of(bytes).substr(7)), bytes);
  EXPECT_THAT(store.blobs(), SizeIs(4));
}

TEST(Ingest, reads_no_layer_that_is_there) {
  const TempStore store;
  Ingest first(store.paths());
  (void)put_image(first, {base()}, "one");
  Ingest second(store.paths());
  EXPECT_TRUE(second.has_layer(base().request().diff_id));
  EXPECT_TRUE(second.has_blob(base().request().blob.digest));
  EXPECT_TRUE(second.put_layer(base().request(), untouched()).already_there);
  EXPECT_FALSE(second.has_layer(upper().request().diff_id));
}

TEST(Ingest, unpacks_a_kept_blob_whose_layer_is_gone_and_keeps_a_blob_that_was_not) {
  const TempStore store;
  Ingest first(store.paths());
  (void)put_image(first, {base()}, "one");
  const std::string layer = store.paths().layers() + "/" + store.layers().front();
  remove_tree(layer);
  (void)first.put_layer(base().request(), untouched());
  EXPECT_TRUE(path_exists(layer + "/fs/bin/sh"));
  const std::string blob = store.paths().images() + "/blobs/sha256/" + base().request().blob.digest.substr(7);
  remove_file(blob);
  (void)first.put_layer(base().request(), source_of(base().blob));
  EXPECT_EQ(read_file(blob), base().blob);
}

TEST(Ingest, refuses_bytes_with_another_digest_and_leaves_nothing) {
  const TempStore store;
  Ingest ingest(store.paths());
  LayerRequest other_blob = base().request();
  other_blob.blob.digest = digest_of("other");
  EXPECT_THAT(error_of([&] { (void)ingest.put_layer(other_blob, source_of(base().blob)); }),
              HasSubstr("the layer's digest is " + base().request().blob.digest));
  LayerRequest other_layer = base().request();
  other_layer.diff_id = digest_of("other");
  EXPECT_THAT(error_of([&] { (void)ingest.put_layer(other_layer, source_of(base().blob)); }),
              HasSubstr("the digest of the uncompressed layer is"));
  LayerRequest smaller = base().request();
  smaller.blob.size -= 1;
  EXPECT_THAT(error_of([&] { (void)ingest.put_layer(smaller, source_of(base().blob)); }), HasSubstr("more than the"));
  EXPECT_THAT(store.layers(), IsEmpty());
  EXPECT_THAT(store.blobs(), IsEmpty());
}

TEST(Ingest, refuses_to_call_a_blob_another_layer) {
  const TempStore store;
  Ingest ingest(store.paths());
  (void)put_image(ingest, {base(), upper()}, "true");
  ImageDocuments documents = documents_of({base(), upper()}, {"false"});
  oci::Manifest manifest = oci::manifest_from_json(documents.manifest, "manifest");
  std::swap(manifest.layers[0], manifest.layers[1]);
  documents.manifest = oci::to_json(manifest);
  EXPECT_THAT(error_of([&] { (void)ingest.commit(documents); }), HasSubstr("digest of the uncompressed layer"));
  EXPECT_THAT(list(store.paths()), SizeIs(1));
}

TEST(Ingest, refuses_documents_that_do_not_fit) {
  const TempStore store;
  Ingest ingest(store.paths());
  ImageDocuments documents = documents_of({base()}, {"a"});
  EXPECT_THAT(error_of([&] { (void)ingest.commit(documents); }), HasSubstr("is not there"));
  (void)ingest.put_layer(base().request(), source_of(base().blob));
  documents.config += " ";
  EXPECT_THAT(error_of([&] { (void)ingest.commit(documents); }), HasSubstr("configuration's digest"));
  EXPECT_THAT(error_of([&] { (void)ingest.commit(documents_of({}, {"a"})); }), HasSubstr("without layers"));
  EXPECT_THAT(error_of([&] { (void)ingest.commit(documents_of(std::vector(501, base()), {"a"})); }),
              HasSubstr("501 layers"));
  documents.config.assign(oci::kLargestConfig + 1, ' ');
  EXPECT_THAT(error_of([&] { (void)ingest.commit(documents); }), HasSubstr("bytes, more than"));
  EXPECT_THAT(list(store.paths()), IsEmpty());
}

TEST(Ingest, tells_a_link_into_a_lower_layer) {
  const TempStore store;
  Ingest ingest(store.paths());
  (void)ingest.put_layer(base().request(), source_of(base().blob));
  const TestLayer linking(TarBuilder().hard_link("etc/link", "etc/passwd"));
  EXPECT_THAT(error_of([&] { (void)ingest.put_layer(linking.request(), source_of(linking.blob)); }),
              HasSubstr("a file of a lower layer cannot be linked"));
}

TEST(Ingest, keeps_what_it_has_put_from_the_removals_of_others_until_it_ends) {
  const TempStore store;
  {
    Ingest ingest(store.paths());
    (void)ingest.put_layer(base().request(), source_of(base().blob));
    (void)store.import(TarBuilder().base_system().file("other").finish(), "other");
    (void)remove(store.paths(), "other", Force::No, {});
    EXPECT_THAT(store.layers(), SizeIs(1));
    EXPECT_EQ(ingest.commit(documents_of({base()}, {"a"})).substr(0, 7), "sha256:");
    (void)ingest.put_layer(upper().request(), source_of(upper().blob));
    EXPECT_THAT(store.layers(), SizeIs(2));
  }
  const Ingest next(store.paths());
  EXPECT_THAT(store.layers(), SizeIs(1));
  EXPECT_THAT(store.blobs(), SizeIs(3));
}

TEST(Ingest, takes_layers_from_several_threads) {
  const TempStore store;
  std::vector<TestLayer> layers{base()};
  for (int i = 0; i < 8; ++i) layers.emplace_back(TarBuilder().file(std::to_string(i), std::string(1 << 20, 'x')));
  Ingest ingest(store.paths());
  std::vector<std::thread> threads;
  for (const TestLayer& layer : layers)
    for (int twice = 0; twice < 2; ++twice)
      threads.emplace_back([&] { (void)ingest.put_layer(layer.request(), source_of(layer.blob)); });
  for (std::thread& thread : threads) thread.join();
  (void)ingest.commit(documents_of(layers, {"many"}));
  EXPECT_THAT(resolve(store.paths(), {.image = "many"}).lowerdirs, SizeIs(9));
  EXPECT_THAT(store.layers(), SizeIs(9));
}

TEST(Ingest, of_two_processes_unpacks_a_layer_once) {
  const TempStore store;
  Ingest ingest(store.paths());
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  // The child holds the layer until it is fed.
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(ends[1]);
    Ingest theirs(store.paths());
    const ByteSource source = source_of(base().blob);
    const auto read = [&, first = true](std::span<uint8_t> buffer) mutable {
      char byte = 0;
      if (std::exchange(first, false)) (void)!::read(ends[0], &byte, 1);
      return source.read(buffer);
    };
    (void)theirs.put_layer(base().request(), {.read = read});
    (void)theirs.commit(documents_of({base()}, {"theirs"}));
    ::_exit(0);
  }
  while (store.layers().empty()) ::usleep(1000);
  std::thread late([&] { EXPECT_TRUE(ingest.put_layer(base().request(), untouched()).already_there); });
  ASSERT_EQ(::write(ends[1], "x", 1), 1);
  late.join();
  EXPECT_EQ(::waitpid(child, nullptr, 0), child);
  EXPECT_THAT(store.layers(), SizeIs(1));
}

TEST(Ingest, that_is_killed_leaves_nothing_to_the_next) {
  const TempStore store;
  const pid_t child = ::fork();
  if (child == 0) {
    Ingest ingest(store.paths());
    (void)ingest.put_layer(base().request(), source_of(base().blob));
    const auto read = [first = true](std::span<uint8_t> buffer) mutable -> size_t {
      if (!std::exchange(first, false)) ::pause();
      std::memcpy(buffer.data(), upper().blob.data(), 100);
      return 100;
    };
    (void)ingest.put_layer(upper().request(), {.read = read});
    ::_exit(0);
  }
  while (store.layers().size() < 2) ::usleep(1000);
  ::kill(child, SIGKILL);
  EXPECT_EQ(::waitpid(child, nullptr, 0), child);
  EXPECT_THAT(store.layers(), SizeIs(2));
  { const Ingest next(store.paths()); }
  EXPECT_THAT(store.layers(), IsEmpty());
  EXPECT_THAT(store.blobs(), IsEmpty());
  EXPECT_THAT(list_directory(store.paths().images(), Hidden::Include),
              testing::UnorderedElementsAre("oci-layout", "blobs"));
}

TEST(Ingest, is_found_by_the_digest_of_its_manifest_or_of_its_index) {
  const TempStore store;
  Ingest ingest(store.paths());
  (void)ingest.put_layer(base().request(), source_of(base().blob));
  ImageDocuments documents = documents_of({base()}, {"quay.io/a/b:1"});
  documents.index_digest = digest_of("index");
  const std::string id = ingest.commit(documents);
  for (const std::string& digest : {digest_of(documents.manifest), documents.index_digest})
    EXPECT_EQ(resolve(store.paths(), {.image = "quay.io/a/b@" + digest}).id, id);
  EXPECT_THROW((void)resolve(store.paths(), {.image = "a/b@" + documents.index_digest}), Error);
}

}  // namespace
}  // namespace myct::image::test
