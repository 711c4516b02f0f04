// Sending images to registries.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstring>

#include "digest.hpp"
#include "fake_registry.hpp"
#include "myct/base/error.hpp"

namespace myct::registry {
namespace {

using testing::HasSubstr;

constexpr const char* kUploads = "/v2/app/blobs/uploads/";
constexpr const char* kSession = "/v2/app/blobs/uploads/session";

oci::Descriptor describe(const std::string& bytes) {
  return {.media_type = "application/octet-stream", .digest = digest_of(bytes), .size = bytes.size()};
}

BlobSource source_of(const std::string& bytes) {
  return [&bytes](uint64_t offset, std::span<char> buffer) {
    const size_t count = std::min<size_t>(buffer.size(), bytes.size() - offset);
    std::memcpy(buffer.data(), bytes.data() + offset, count);
    return count;
  };
}

TEST(PushBlob, sends_what_is_not_there_and_only_that) {
  FakeRegistry registry;
  const std::string bytes = noise(3 << 20);
  Client client(quick_options());
  uint64_t last = 0;
  EXPECT_EQ(client.push_blob(registry.repository(), describe(bytes), source_of(bytes), std::nullopt,
                             [&](uint64_t done, uint64_t) { last = done; }),
            Client::Pushed::Sent);
  EXPECT_TRUE(registry.blob(digest_of(bytes)) == bytes);
  EXPECT_EQ(last, bytes.size());
  EXPECT_TRUE(client.has_blob(registry.repository(), digest_of(bytes)));
  EXPECT_EQ(client.push_blob(registry.repository(), describe(bytes), source_of(bytes)), Client::Pushed::WasThere);
  EXPECT_EQ(registry.server().count("PUT", kSession), 1u);
}

TEST(PushBlob, takes_it_from_another_repository_where_that_has_it) {
  const std::string bytes = noise(1000);
  FakeRegistry registry([&](const FakeRequest& request, FakeReply& reply) {
    if (request.method != "HEAD") return false;
    reply.answer(404);  // it is in the other repository only
    return true;
  });
  registry.add_blob(bytes);
  Client client(quick_options());
  EXPECT_EQ(client.push_blob(registry.repository(), describe(bytes), source_of(bytes), "base/image"),
            Client::Pushed::Mounted);
  EXPECT_EQ(registry.server().count("PUT", kSession), 0u);
  EXPECT_THAT(registry.server().requests().back().target, HasSubstr("from=base%2Fimage"));
  const std::string other = noise(2000);
  EXPECT_EQ(client.push_blob(registry.repository(), describe(other), source_of(other), "base/image"),
            Client::Pushed::Sent);
}

TEST(PushBlob, sends_it_where_it_may_not_be_taken_from_another_repository) {
  FakeRegistry registry([&](const FakeRequest& request, FakeReply& reply) {
    if (request.target.find("mount=") == std::string::npos) return false;
    reply.answer(403);
    return true;
  });
  const std::string bytes = noise(1000);
  Client client(quick_options());
  EXPECT_EQ(client.push_blob(registry.repository(), describe(bytes), source_of(bytes), "secret"), Client::Pushed::Sent);
  EXPECT_EQ(registry.blob(digest_of(bytes)), bytes);
}

TEST(PushBlob, begins_anew_when_an_upload_fails) {
  std::atomic<int> failures{0};
  FakeRegistry registry([&](const FakeRequest& request, FakeReply& reply) {
    if (request.method != "PUT" || failures >= 3) return false;
    switch (failures++) {
      case 0:
        reply.cut();
        return true;
      case 1:
        reply.answer(500);
        return true;
      default:
        reply.answer(404, R"({"errors":[{"code":"BLOB_UPLOAD_UNKNOWN"}]})");
        return true;
    }
  });
  const std::string bytes = noise(100'000);
  Client client(quick_options());
  EXPECT_EQ(client.push_blob(registry.repository(), describe(bytes), source_of(bytes)), Client::Pushed::Sent);
  EXPECT_TRUE(registry.blob(digest_of(bytes)) == bytes);
  EXPECT_EQ(registry.server().count("POST", kUploads), 4u);
}

TEST(PushBlob, that_the_registry_finds_wrong_is_an_error) {
  FakeRegistry registry;
  const std::string bytes = noise(1000);
  oci::Descriptor blob = describe(bytes);
  blob.digest = "sha256:" + std::string(64, '7');
  Client client(quick_options());
  try {
    (void)client.push_blob(registry.repository(), blob, source_of(bytes));
    ADD_FAILURE() << "sent";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("has answered 400: digest invalid"));
  }
  EXPECT_EQ(registry.server().count("PUT", kSession), 1u);
}

TEST(PushBlob, from_a_source_that_ends_early_is_an_error) {
  FakeRegistry registry;
  const std::string bytes = noise(1000);
  oci::Descriptor blob = describe(bytes);
  blob.size += 1;
  Client client(quick_options());
  try {
    (void)client.push_blob(registry.repository(), blob, source_of(bytes));
    ADD_FAILURE() << "sent";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("ends after 1000 of 1001 bytes"));
  }
}

TEST(PushManifest, keeps_it_byte_for_byte_and_returns_its_digest) {
  FakeRegistry registry;
  const auto layer = registry.add_blob("layer");
  const std::string text = manifest_text(layer, layer) + "\n";
  Client client(quick_options());
  EXPECT_EQ(client.push_manifest(registry.reference("v1"), std::string(oci::kMediaTypeManifest), text),
            digest_of(text));
  EXPECT_EQ(registry.manifest("v1"), text);
  EXPECT_EQ(registry.server().requests().back().header("content-type"), oci::kMediaTypeManifest);
}

TEST(PushManifest, that_comes_out_as_another_is_an_error) {
  FakeRegistry registry([](const FakeRequest&, FakeReply& reply) {
    reply.answer(201, "", {{"Docker-Content-Digest", "sha256:" + std::string(64, '5')}});
    return true;
  });
  Client client(quick_options());
  EXPECT_THROW((void)client.push_manifest(registry.reference(), std::string(oci::kMediaTypeManifest), "{}"), Error);
}

TEST(Push, asks_for_the_right_to_and_again_once_for_a_token) {
  FakeServer service([](const FakeRequest&, FakeReply& reply) { reply.answer(200, R"({"token":"good"})"); });
  FakeRegistry registry([&](const FakeRequest& request, FakeReply& reply) {
    if (request.header("authorization") == "Bearer good") return false;
    reply.answer(401, "", {{"WWW-Authenticate", "Bearer realm=\"http://" + service.host() + "/t\""}});
    return true;
  });
  const std::string bytes = noise(2 << 20);
  Client client(quick_options());
  EXPECT_EQ(client.push_blob(registry.repository(), describe(bytes), source_of(bytes), "other"), Client::Pushed::Sent);
  const auto asked = service.requests();
  ASSERT_EQ(asked.size(), 2u);
  EXPECT_EQ(asked[0].target, "/t?scope=repository%3Aapp%3Apull%2Cpush");
  EXPECT_EQ(asked[1].target, "/t?scope=repository%3Aapp%3Apull%2Cpush&scope=repository%3Aother%3Apull");
}

}  // namespace
}  // namespace myct::registry
