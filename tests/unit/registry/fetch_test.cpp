// What the client makes of registries that answer well, late, wrongly, or without end.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "digest.hpp"
#include "fake_registry.hpp"
#include "myct/base/error.hpp"

namespace myct::registry {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kManifest = "/v2/app/manifests/latest";
constexpr const char* kDockerManifest = "application/vnd.docker.distribution.manifest.v2+json";
const Platform kPlatform{"linux", "amd64", ""};

/// What `body` throws; a failure of the test when it throws nothing.
template <typename Body>
Error error_of(Body body) {
  try {
    body();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "no error";
  return Error(ErrorKind::Internal, "none");
}

std::string fetch(Client& client, const Repository& repository, const oci::Descriptor& blob) {
  std::string bytes;
  client.fetch_blob(repository, blob, [&](std::span<const uint8_t> part) {
    bytes.append(reinterpret_cast<const char*>(part.data()), part.size());
  });
  return bytes;
}

std::string blob_path(const oci::Descriptor& blob) { return "/v2/app/blobs/" + blob.digest; }

/// "206" answers and the like, for a body of which only the first `sent` bytes are sent.
void answer_in_part(FakeReply& reply, std::string_view status, const std::string& body, size_t sent) {
  reply.raw(fmt::format("HTTP/1.1 {}\r\nContent-Length: {}\r\n\r\n", status, body.size()));
  reply.raw(std::string_view(body).substr(0, sent));
  reply.cut();
}

TEST(FetchManifest, gets_it_by_tag_and_by_digest_over_plain_http_from_this_machine) {
  FakeRegistry registry;
  const std::string text = manifest_text(registry.add_blob("config"), registry.add_blob("layer"));
  const std::string digest = registry.add_manifest("latest", text, std::string(oci::kMediaTypeManifest));
  Client client(quick_options());
  const Document by_tag = client.fetch_manifest(registry.reference());
  EXPECT_EQ(by_tag.bytes, text);
  EXPECT_EQ(by_tag.descriptor.digest, digest);
  EXPECT_EQ(by_tag.descriptor.media_type, oci::kMediaTypeManifest);
  EXPECT_EQ(by_tag.descriptor.size, text.size());
  EXPECT_EQ(client.fetch_manifest({.repository = registry.repository(), .tag = {}, .digest = digest}).bytes, text);
  EXPECT_EQ(client.try_find_manifest(registry.reference())->digest, digest);
  EXPECT_FALSE(client.try_find_manifest(registry.reference("absent")));
  const std::string accept = registry.server().requests().front().header("accept");
  EXPECT_THAT(accept,
              AllOf(HasSubstr("oci.image.index"), HasSubstr("oci.image.manifest"),
                    HasSubstr("docker.distribution.manifest.v2"), HasSubstr("docker.distribution.manifest.list")));
}

TEST(FetchManifest, speaks_no_plain_http_where_tls_is_asked_for) {
  FakeRegistry registry;
  ClientOptions options = quick_options();
  options.tls_verify = TlsVerify::Always;
  Client client(options);
  EXPECT_EQ(error_of([&] { (void)client.fetch_manifest(registry.reference()); }).kind(), ErrorKind::System);
  EXPECT_TRUE(registry.server().requests().empty());
}

TEST(FetchManifest, that_is_not_there_is_not_found_and_not_asked_for_again) {
  FakeRegistry registry;
  Client client(quick_options());
  const Error error = error_of([&] { (void)client.fetch_manifest(registry.reference()); });
  EXPECT_EQ(error.kind(), ErrorKind::NotFound);
  EXPECT_EQ(error.what(),
            "fetch '" + registry.host() + "/app:latest': no such image, or no access to it: manifest unknown");
  EXPECT_EQ(registry.server().count("GET", kManifest), 1u);
}

TEST(FetchManifest, refuses_what_is_another_than_its_digest_says) {
  FakeRegistry* self = nullptr;
  FakeRegistry registry([&](const FakeRequest& request, FakeReply& reply) {
    if (request.path().find("sha256:") == std::string::npos) return false;
    reply.answer(200, self->manifest("evil"));
    return true;
  });
  self = &registry;
  const auto layer = registry.add_blob("layer");
  registry.add_manifest("evil", manifest_text(layer, layer), std::string(oci::kMediaTypeManifest));
  Client client(quick_options());
  const RegistryReference reference{
      .repository = registry.repository(), .tag = {}, .digest = "sha256:" + std::string(64, '0')};
  EXPECT_EQ(error_of([&] { (void)client.fetch_manifest(reference); }).kind(), ErrorKind::Invalid);
}

TEST(FetchManifest, refuses_documents_that_are_none_or_too_much) {
  const std::string both = R"({"schemaVersion":2,"manifests":[],"layers":[],"config":{}})";
  const struct {
    std::string text;
    std::string media_type;
    const char* why;
  } rows[] = {
      {"{", "", "damaged"},
      {"[]", "", "not a JSON object"},
      {"{}", "application/json", "no manifest of an image"},
      {both, std::string(oci::kMediaTypeManifest), "at once"},
      {R"({"layers":[]})", std::string(oci::kMediaTypeIndex), "no manifest of an image"},
      {R"({"schemaVersion":1,"fsLayers":[]})", "application/vnd.docker.distribution.manifest.v1+prettyjws", "schema 1"},
      {std::string(5 << 20, ' '), std::string(oci::kMediaTypeManifest), "more than 4194304 bytes"},
  };
  for (const auto& row : rows) {
    FakeRegistry registry;
    registry.add_manifest("latest", row.text, row.media_type);
    Client client(quick_options());
    EXPECT_THAT(error_of([&] { (void)client.fetch_manifest(registry.reference()); }).what(), HasSubstr(row.why));
  }
}

TEST(FetchManifest, takes_no_body_without_end) {
  std::atomic<bool> was_hung_up_on{false};
  FakeRegistry registry([&](const FakeRequest&, FakeReply& reply) {
    reply.raw("HTTP/1.1 200 OK\r\n\r\n");
    const std::string part(1 << 16, 'x');
    while (reply.raw(part)) continue;
    was_hung_up_on = true;
    reply.cut();
    return true;
  });
  Client client(quick_options());
  EXPECT_THAT(error_of([&] { (void)client.fetch_manifest(registry.reference()); }).what(), HasSubstr("more than"));
  for (int i = 0; i < 500 && !was_hung_up_on; ++i) std::this_thread::sleep_for(10ms);
  EXPECT_TRUE(was_hung_up_on);
}

TEST(FetchManifest, takes_no_headers_and_no_failures_without_end) {
  for (const char* beginning : {"HTTP/1.1 200 OK\r\n", "HTTP/1.1 403 No\r\n\r\n"}) {
    FakeRegistry registry([&](const FakeRequest&, FakeReply& reply) {
      reply.raw(beginning);
      const std::string part = "X-Y: " + std::string(1000, 'x') + "\r\n";
      while (reply.raw(part)) continue;
      reply.cut();
      return true;
    });
    Client client(quick_options());
    (void)error_of([&] { (void)client.fetch_manifest(registry.reference()); });
  }
}

TEST(FetchImage, goes_from_an_index_to_the_platforms_manifest) {
  FakeRegistry registry;
  const std::string text = manifest_text(registry.add_blob("config"), registry.add_blob("layer"));
  const std::string digest = registry.add_manifest("amd64", text, std::string(oci::kMediaTypeManifest));
  const std::string index = fmt::format(
      R"({{"schemaVersion":2,"manifests":[{{"mediaType":"{0}","digest":"sha256:{1:0>64}","size":3,)"
      R"("platform":{{"os":"linux","architecture":"arm64"}}}},{{"mediaType":"{0}","digest":"{2}","size":{3},)"
      R"("platform":{{"os":"linux","architecture":"amd64"}}}}]}})",
      oci::kMediaTypeManifest, "", digest, text.size());
  const std::string index_digest = registry.add_manifest("latest", index, std::string(oci::kMediaTypeIndex));
  Client client(quick_options());
  const ImageDocument image = client.fetch_image(registry.reference(), kPlatform);
  EXPECT_EQ(image.manifest.bytes, text);
  EXPECT_EQ(image.index_digest, index_digest);
  EXPECT_EQ(image.digest(), index_digest);
  const Error error = error_of([&] { (void)client.fetch_image(registry.reference(), parse_platform("linux/s390x")); });
  EXPECT_EQ(error.kind(), ErrorKind::NotFound);
  EXPECT_THAT(error.what(), HasSubstr("linux/arm64, linux/amd64"));
}

TEST(FetchImage, takes_dockers_manifest_without_an_index) {
  FakeRegistry registry;
  const std::string text = R"({"schemaVersion":2,"mediaType":")" + std::string(kDockerManifest) +
                           R"(","config":{"digest":"x"},"layers":[]})";
  const std::string digest = registry.add_manifest("latest", text, kDockerManifest);
  Client client(quick_options());
  const ImageDocument image = client.fetch_image(registry.reference(), kPlatform);
  EXPECT_EQ(image.manifest.descriptor.media_type, kDockerManifest);
  EXPECT_EQ(image.digest(), digest);
}

TEST(FetchImage, follows_no_index_into_itself) {
  FakeRegistry* self = nullptr;
  FakeRegistry registry([&](const FakeRequest& request, FakeReply& reply) {
    if (request.path().find("sha256:") == std::string::npos) return false;
    // Each index leads to a new one, whose digest cannot be known: the client must see that, or stop.
    reply.answer(200, self->manifest("latest"));
    return true;
  });
  self = &registry;
  registry.add_manifest("latest", R"({"manifests":[{"digest":"sha256:)" + std::string(64, '1') + R"(","size":1}]})",
                        std::string(oci::kMediaTypeIndex));
  Client client(quick_options());
  EXPECT_EQ(error_of([&] { (void)client.fetch_image(registry.reference(), kPlatform); }).kind(), ErrorKind::Invalid);
}

TEST(FetchBlob, passes_all_bytes_on_and_tells_how_far_it_is) {
  FakeRegistry registry;
  const std::string bytes = noise(1 << 20);
  const oci::Descriptor blob = registry.add_blob(bytes);
  Client client(quick_options());
  uint64_t last = 0;
  std::string got;
  client.fetch_blob(
      registry.repository(), blob,
      [&](std::span<const uint8_t> part) { got.append(reinterpret_cast<const char*>(part.data()), part.size()); },
      [&](uint64_t done, uint64_t total) {
        EXPECT_GT(done, last);
        EXPECT_EQ(total, bytes.size());
        last = done;
      });
  EXPECT_TRUE(got == bytes);
  EXPECT_EQ(last, bytes.size());
}

TEST(FetchBlob, goes_on_where_the_connection_was_cut) {
  std::string bytes = noise(3 << 20);
  std::atomic<int> cuts{0};
  FakeRegistry registry([&](const FakeRequest& request, FakeReply& reply) {
    if (request.path().find("/blobs/") == std::string::npos || cuts == 5) return false;
    ++cuts;
    const std::string range = request.header("range");
    const size_t start = range.empty() ? 0 : std::stoul(range.substr(6));
    if (range.empty()) {
      answer_in_part(reply, "200 OK", bytes, 400'000);
    } else {
      const std::string rest = bytes.substr(start);
      answer_in_part(reply,
                     fmt::format("206 Part\r\nContent-Range: bytes {}-{}/{}", start, bytes.size() - 1, bytes.size()),
                     rest, 400'000);
    }
    return true;
  });
  const oci::Descriptor blob = registry.add_blob(bytes);
  Client client(quick_options());
  EXPECT_TRUE(fetch(client, registry.repository(), blob) == bytes);
  EXPECT_EQ(cuts, 5);
  const auto requests = registry.server().requests();
  EXPECT_EQ(requests[1].header("range"), "bytes=400000-");
  EXPECT_EQ(requests[5].header("range"), "bytes=2000000-");
}

TEST(FetchBlob, gives_each_byte_once_where_the_registry_knows_no_ranges) {
  std::string bytes = noise(1 << 20);
  for (const bool refuses : {false, true}) {
    std::atomic<int> asked{0};
    FakeRegistry registry([&](const FakeRequest& request, FakeReply& reply) {
      const int number = asked++;
      if (number == 0)
        answer_in_part(reply, "200 OK", bytes, 600'000);
      else if (refuses && !request.header("range").empty())
        reply.answer(416);
      else
        reply.answer(200, bytes);
      return true;
    });
    Client client(quick_options());
    EXPECT_TRUE(fetch(client, registry.repository(), registry.add_blob(bytes)) == bytes) << refuses;
  }
}

TEST(FetchBlob, gives_up_where_hardly_anything_comes) {
  const std::string bytes = noise(10'000);
  FakeRegistry registry([&](const FakeRequest& request, FakeReply& reply) {
    const std::string range = request.header("range");
    const size_t start = range.empty() ? 0 : std::stoul(range.substr(6));
    const std::string status =
        range.empty() ? "200 OK" : fmt::format("206 P\r\nContent-Range: bytes {}-9999/10000", start);
    answer_in_part(reply, status, bytes.substr(start), 1);
    return true;
  });
  const oci::Descriptor blob = registry.add_blob(bytes);
  Client client(quick_options());
  (void)error_of([&] { (void)fetch(client, registry.repository(), blob); });
  EXPECT_LE(registry.server().requests().size(), 6u);
}

TEST(FetchBlob, refuses_wrong_bytes_and_wrong_sizes) {
  const std::string bytes = noise(100'000);
  std::string wrong = bytes;
  wrong[50'000] = static_cast<char>(wrong[50'000] ^ 1);
  const struct {
    std::string sent;
    bool has_length;
    const char* why;
  } rows[] = {
      {wrong, true, "its digest is sha256:"},
      {bytes + "x", true, "the registry has 100001 bytes, and the manifest says 100000"},
      {bytes.substr(1), true, "the registry has 99999 bytes, and the manifest says 100000"},
      {bytes + std::string(1 << 20, 'x'), false, "more than the 100000 bytes"},
  };
  for (const auto& row : rows) {
    FakeRegistry registry([&](const FakeRequest&, FakeReply& reply) {
      if (row.has_length) {
        reply.answer(200, row.sent);
      } else {
        reply.raw("HTTP/1.1 200 OK\r\n\r\n");
        reply.raw(row.sent);
        reply.cut();
      }
      return true;
    });
    const oci::Descriptor blob = registry.add_blob(bytes);
    Client client(quick_options());
    std::string got;
    const Error error = error_of([&] { got = fetch(client, registry.repository(), blob); });
    EXPECT_EQ(error.kind(), ErrorKind::Invalid) << row.why;
    EXPECT_THAT(error.what(), HasSubstr(row.why));
    EXPECT_EQ(registry.server().requests().size(), 1u) << row.why;
  }
}

TEST(FetchBlob, that_ends_early_without_a_length_is_fetched_on) {
  const std::string bytes = noise(100'000);
  std::atomic<int> asked{0};
  FakeRegistry registry([&](const FakeRequest&, FakeReply& reply) {
    if (asked++ > 0) return false;
    reply.raw("HTTP/1.1 200 OK\r\n\r\n" + bytes.substr(0, 70'000));
    reply.cut();
    return true;
  });
  Client client(quick_options());
  EXPECT_TRUE(fetch(client, registry.repository(), registry.add_blob(bytes)) == bytes);
}

TEST(FetchBlob, ends_with_what_the_sink_throws) {
  FakeRegistry registry;
  const oci::Descriptor blob = registry.add_blob(noise(1 << 20));
  Client client(quick_options());
  const Error error = error_of([&] {
    client.fetch_blob(registry.repository(), blob,
                      [](std::span<const uint8_t>) { throw Error(ErrorKind::System, "write layer", ENOSPC); });
  });
  EXPECT_EQ(error.errnum(), ENOSPC);
  EXPECT_EQ(registry.server().count("GET", blob_path(blob)), 1u);
}

TEST(FetchBlob, works_in_many_threads_with_one_client) {
  FakeRegistry registry;
  std::vector<oci::Descriptor> blobs;
  std::vector<std::string> contents;
  for (size_t i = 0; i < 8; ++i) {
    contents.push_back(noise((200 << 10) + i));
    blobs.push_back(registry.add_blob(contents.back()));
  }
  Client client(quick_options());
  std::vector<std::thread> threads;
  std::atomic<int> right{0};
  for (size_t i = 0; i < blobs.size(); ++i)
    threads.emplace_back([&, i] { right += fetch(client, registry.repository(), blobs[i]) == contents[i] ? 1 : 0; });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, 8);
}

TEST(FetchSmallBlob, is_bounded_before_anything_is_asked) {
  FakeRegistry registry;
  const oci::Descriptor blob = registry.add_blob("configuration");
  Client client(quick_options());
  EXPECT_EQ(client.fetch_small_blob(registry.repository(), blob, 100), "configuration");
  const size_t before = registry.server().requests().size();
  EXPECT_EQ(error_of([&] { (void)client.fetch_small_blob(registry.repository(), blob, 5); }).kind(),
            ErrorKind::Invalid);
  EXPECT_EQ(registry.server().requests().size(), before);
}

TEST(Retries, wait_as_long_as_the_registry_says) {
  std::atomic<int> asked{0};
  FakeRegistry registry([&](const FakeRequest&, FakeReply& reply) {
    if (asked++ > 0) return false;
    reply.answer(429, "", {{"Retry-After", "1"}});
    return true;
  });
  const auto layer = registry.add_blob("layer");
  registry.add_manifest("latest", manifest_text(layer, layer), std::string(oci::kMediaTypeManifest));
  Client client(quick_options());
  const auto start = std::chrono::steady_clock::now();
  (void)client.fetch_manifest(registry.reference());
  EXPECT_GE(std::chrono::steady_clock::now() - start, 1s);
}

TEST(Retries, end_at_once_where_the_wait_is_too_long) {
  FakeRegistry registry([&](const FakeRequest&, FakeReply& reply) {
    reply.answer(429, R"({"errors":[{"message":"pull rate limit"}]})", {{"Retry-After", "3600"}});
    return true;
  });
  Client client(quick_options());
  const Error error = error_of([&] { (void)client.fetch_manifest(registry.reference()); });
  EXPECT_THAT(error.what(), AllOf(HasSubstr("too many requests: pull rate limit"), HasSubstr("myct login")));
  EXPECT_EQ(registry.server().requests().size(), 1u);
}

TEST(Retries, get_over_errors_of_the_server_but_not_for_ever) {
  std::atomic<int> failures{3};
  FakeRegistry registry([&](const FakeRequest&, FakeReply& reply) {
    if (failures-- <= 0) return false;
    reply.answer(503, "<html>gateway</html>");
    return true;
  });
  const auto layer = registry.add_blob("layer");
  registry.add_manifest("latest", manifest_text(layer, layer), std::string(oci::kMediaTypeManifest));
  Client client(quick_options());
  (void)client.fetch_manifest(registry.reference());
  failures = 1000;
  const Error error = error_of([&] { (void)client.fetch_manifest(registry.reference()); });
  EXPECT_THAT(error.what(), AllOf(HasSubstr("has answered 503"), Not(HasSubstr("html"))));
  EXPECT_EQ(registry.server().requests().size(), 8u);
}

TEST(Retries, of_who_is_not_there_are_few) {
  uint16_t port = 0;
  {
    const FakeRegistry gone;
    port = gone.server().port();
  }
  Client client(quick_options());
  const RegistryReference reference{
      .repository = {.host = "127.0.0.1:" + std::to_string(port), .path = "app"}, .tag = "latest", .digest = {}};
  const Error error = error_of([&] { (void)client.fetch_manifest(reference); });
  EXPECT_EQ(error.kind(), ErrorKind::System);
  EXPECT_THAT(error.what(), HasSubstr("Couldn't connect to server"));
}

TEST(Cancellation, ends_a_transfer_that_waits) {
  std::atomic<bool> cancelled{false};
  std::atomic<bool> is_asked{false};
  std::atomic<bool> may_end{false};
  FakeRegistry registry([&](const FakeRequest&, FakeReply& reply) {
    is_asked = true;
    while (!may_end) std::this_thread::sleep_for(5ms);
    reply.cut();
    return true;
  });
  ClientOptions options = quick_options();
  options.cancelled = &cancelled;
  Client client(options);
  std::thread canceller([&] {
    while (!is_asked) std::this_thread::sleep_for(5ms);
    cancelled = true;
  });
  const Error error = error_of([&] { (void)client.fetch_manifest(registry.reference()); });
  may_end = true;
  canceller.join();
  EXPECT_EQ(error.errnum(), EINTR);
}

TEST(Redirects, are_followed_to_another_host_that_sees_no_authorization) {
  const std::string bytes = noise(50'000);
  FakeServer elsewhere([&](const FakeRequest& request, FakeReply& reply) {
    reply.answer(request.header("authorization").empty() ? 200 : 400, bytes);
  });
  FakeRegistry registry([&](const FakeRequest& request, FakeReply& reply) {
    if (request.header("authorization").empty())
      reply.answer(401, "", {{"WWW-Authenticate", "Basic realm=\"x\""}});
    else
      reply.answer(307, "", {{"Location", "http://" + elsewhere.host() + "/signed?signature=verysecret"}});
    return true;
  });
  ClientOptions options = quick_options();
  options.credentials = Credentials{.username = "me", .password = "secret", .identity_token = {}};
  Client client(options);
  EXPECT_TRUE(fetch(client, registry.repository(), registry.add_blob(bytes)) == bytes);
  ASSERT_EQ(elsewhere.requests().size(), 1u);
  EXPECT_EQ(elsewhere.requests()[0].header("authorization"), "");
  EXPECT_EQ(elsewhere.requests()[0].target, "/signed?signature=verysecret");
}

TEST(Redirects, keep_their_signatures_out_of_errors) {
  FakeServer elsewhere([](const FakeRequest&, FakeReply& reply) { reply.answer(500); });
  FakeRegistry registry([&](const FakeRequest&, FakeReply& reply) {
    reply.answer(302, "", {{"Location", "http://user:pass@" + elsewhere.host() + "/signed?signature=verysecret"}});
    return true;
  });
  const oci::Descriptor blob = registry.add_blob("x");
  Client client(quick_options());
  const Error error = error_of([&] { (void)fetch(client, registry.repository(), blob); });
  EXPECT_THAT(error.what(), AllOf(HasSubstr("/signed"), Not(HasSubstr("verysecret")), Not(HasSubstr("pass@"))));
}

TEST(Redirects, in_circles_or_to_other_protocols_are_refused) {
  for (const std::string location : {"/v2/app/manifests/latest", "file:///etc/passwd", "gopher://x/"}) {
    FakeRegistry registry([&](const FakeRequest&, FakeReply& reply) {
      reply.answer(302, "", {{"Location", location}});
      return true;
    });
    Client client(quick_options());
    const Error error = error_of([&] { (void)client.fetch_manifest(registry.reference()); });
    EXPECT_EQ(error.kind(), ErrorKind::Invalid) << location;
    EXPECT_LE(registry.server().requests().size(), 11u);
  }
}

TEST(Mirrors, are_asked_first_and_passed_over_when_they_fail) {
  FakeRegistry registry;
  const auto layer = registry.add_blob(noise(10'000));
  registry.add_manifest("latest", manifest_text(layer, layer), std::string(oci::kMediaTypeManifest));
  FakeRegistry good;
  good.add_blob(noise(10'000));
  FakeRegistry bad([](const FakeRequest&, FakeReply& reply) {
    reply.answer(500);
    return true;
  });
  ClientOptions options = quick_options();
  options.configuration.mirrors[registry.host()] = {"http://" + bad.host(), "http://" + good.host()};
  Client client(options);
  (void)client.fetch_manifest(registry.reference());  // the good mirror has no manifest
  EXPECT_EQ(fetch(client, registry.repository(), layer), noise(10'000));
  EXPECT_GE(bad.server().count("GET", kManifest), 1u);
  EXPECT_EQ(good.server().count("GET", kManifest), 1u);
  EXPECT_EQ(registry.server().count("GET", kManifest), 1u);
  EXPECT_EQ(good.server().count("GET", blob_path(layer)), 1u);
  EXPECT_EQ(registry.server().count("GET", blob_path(layer)), 0u);
}

TEST(ListTags, goes_through_all_pages) {
  FakeRegistry registry([](const FakeRequest& request, FakeReply& reply) {
    if (request.target == "/v2/app/tags/list")
      reply.answer(200, R"({"name":"app","tags":["a","b"]})",
                   {{"Link", "</v2/app/tags/list?last=b&n=2>; rel=\"next\""}});
    else
      reply.answer(200, R"({"name":"app","tags":["c"]})");
    return true;
  });
  Client client(quick_options());
  EXPECT_THAT(client.list_tags(registry.repository()), ElementsAre("a", "b", "c"));
}

}  // namespace
}  // namespace myct::registry
