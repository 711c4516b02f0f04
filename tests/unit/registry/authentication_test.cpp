// Registries that ask who we are.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "fake_registry.hpp"
#include "myct/base/error.hpp"

namespace myct::registry {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

const Credentials kMe{.username = "me", .password = "secret", .identity_token = {}};
constexpr const char* kBasicOfMe = "Basic bWU6c2VjcmV0";

/// A registry behind a token service.
class TokenRegistry {
 public:
  explicit TokenRegistry(FakeServer::Handler service)
      : service_(std::move(service)),
        registry_([this](const FakeRequest& request, FakeReply& reply) { return ask_for_token(request, reply); }) {
    const auto layer = registry_.add_blob("layer");
    registry_.add_manifest("latest", manifest_text(layer, layer), std::string(oci::kMediaTypeManifest));
  }
  [[nodiscard]] FakeRegistry& registry() noexcept { return registry_; }
  [[nodiscard]] FakeServer& service() noexcept { return service_; }
  /// What the registry takes; "" takes nothing.
  std::string good_token = "good";

 private:
  bool ask_for_token(const FakeRequest& request, FakeReply& reply) {
    if (!good_token.empty() && request.header("authorization") == "Bearer " + good_token) {
      if (request.path() != "/v2/") return false;
      reply.answer(200, "{}");
      return true;
    }
    const std::string challenge =
        fmt::format("Bearer realm=\"http://{}/token\",service=\"the service\",scope=\"special\"", service_.host());
    reply.answer(401, R"({"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]})",
                 {{"WWW-Authenticate", challenge}});
    return true;
  }
  FakeServer service_;
  FakeRegistry registry_;
};

ClientOptions options_with(const Credentials& credentials) {
  ClientOptions options = quick_options();
  options.credentials = credentials;
  return options;
}

Error error_of(const std::function<void()>& body) {
  try {
    body();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "no error";
  return Error(ErrorKind::Internal, "none");
}

TEST(BearerToken, is_fetched_once_for_all_requests_of_a_scope) {
  TokenRegistry fake([](const FakeRequest&, FakeReply& reply) { reply.answer(200, R"({"token":"good"})"); });
  Client client(quick_options());
  (void)client.fetch_manifest(fake.registry().reference());
  (void)client.fetch_manifest(fake.registry().reference());
  ASSERT_EQ(fake.service().requests().size(), 1u);
  const FakeRequest asked = fake.service().requests()[0];
  EXPECT_EQ(asked.target, "/token?service=the%20service&scope=repository%3Aapp%3Apull&scope=special");
  EXPECT_EQ(asked.header("authorization"), "");
  EXPECT_EQ(fake.registry().server().requests().size(), 3u);
}

TEST(BearerToken, is_fetched_anew_when_the_registry_takes_it_no_more) {
  std::string token = "good";
  TokenRegistry fake(
      [&](const FakeRequest&, FakeReply& reply) { reply.answer(200, R"({"access_token":")" + token + "\"}"); });
  Client client(quick_options());
  (void)client.fetch_manifest(fake.registry().reference());
  token = fake.good_token = "better";
  (void)client.fetch_manifest(fake.registry().reference());
  EXPECT_EQ(fake.service().requests().size(), 2u);
}

TEST(BearerToken, that_is_never_taken_ends_in_an_error_and_not_in_a_loop) {
  TokenRegistry fake([](const FakeRequest&, FakeReply& reply) { reply.answer(200, R"({"token":"bad"})"); });
  Client client(quick_options());
  const Error error = error_of([&] { (void)client.fetch_manifest(fake.registry().reference()); });
  EXPECT_EQ(error.kind(), ErrorKind::Denied);
  EXPECT_THAT(error.what(), AllOf(HasSubstr("myct login " + fake.registry().host()), Not(HasSubstr("bad"))));
  EXPECT_EQ(fake.service().requests().size(), 1u);
  EXPECT_EQ(fake.registry().server().requests().size(), 2u);
}

TEST(BearerToken, is_asked_for_with_name_and_password) {
  TokenRegistry fake([](const FakeRequest& request, FakeReply& reply) {
    reply.answer(request.header("authorization") == kBasicOfMe ? 200 : 401, R"({"token":"good","expires_in":300})");
  });
  Client client(options_with(kMe));
  (void)client.fetch_manifest(fake.registry().reference());
  EXPECT_THAT(fake.service().requests()[0].target, HasSubstr("account=me"));
}

TEST(BearerToken, is_had_for_an_identity_token) {
  TokenRegistry fake([](const FakeRequest&, FakeReply& reply) { reply.answer(200, R"({"access_token":"good"})"); });
  Client client(options_with({.username = "me", .password = {}, .identity_token = "id&token"}));
  (void)client.fetch_manifest(fake.registry().reference());
  const FakeRequest asked = fake.service().requests()[0];
  EXPECT_EQ(asked.method, "POST");
  EXPECT_THAT(asked.body, AllOf(HasSubstr("grant_type=refresh_token"), HasSubstr("refresh_token=id%26token"),
                                HasSubstr("scope=repository%3Aapp%3Apull%20special")));
}

TEST(BearerToken, for_refused_credentials_is_an_error_without_them) {
  TokenRegistry fake([](const FakeRequest&, FakeReply& reply) {
    reply.answer(401, R"({"details":"incorrect username or password"})");
  });
  Client client(options_with(kMe));
  const Error error = error_of([&] { (void)client.fetch_manifest(fake.registry().reference()); });
  EXPECT_EQ(error.kind(), ErrorKind::Denied);
  EXPECT_THAT(error.what(), AllOf(HasSubstr("credentials are refused: incorrect username or password"),
                                  HasSubstr("myct login"), Not(HasSubstr("secret")), Not(HasSubstr("bWU6"))));
}

TEST(BearerToken, of_a_service_that_fails_now_and_then_is_asked_for_again) {
  std::atomic<int> failures{2};
  TokenRegistry fake([&](const FakeRequest&, FakeReply& reply) {
    if (failures-- > 0) return reply.answer(502);
    reply.answer(200, R"({"token":"good"})");
  });
  Client client(quick_options());
  (void)client.fetch_manifest(fake.registry().reference());
  EXPECT_EQ(fake.service().requests().size(), 3u);
}

TEST(BearerToken, with_lines_of_its_own_never_becomes_a_header) {
  TokenRegistry fake([](const FakeRequest&, FakeReply& reply) { reply.answer(200, R"({"token":"x\r\nX-Evil: 1"})"); });
  Client client(quick_options());
  EXPECT_EQ(error_of([&] { (void)client.fetch_manifest(fake.registry().reference()); }).kind(), ErrorKind::Invalid);
  EXPECT_EQ(fake.registry().server().requests().size(), 1u);
}

TEST(BearerToken, follows_a_redirect_without_the_password) {
  FakeServer elsewhere([](const FakeRequest& request, FakeReply& reply) {
    reply.answer(request.header("authorization").empty() ? 200 : 500, R"({"token":"good"})");
  });
  TokenRegistry fake([&](const FakeRequest&, FakeReply& reply) {
    reply.answer(302, "", {{"Location", "http://" + elsewhere.host() + "/t"}});
  });
  Client client(options_with(kMe));
  (void)client.fetch_manifest(fake.registry().reference());
  EXPECT_EQ(elsewhere.requests()[0].header("authorization"), "");
}

TEST(BasicAuthentication, is_used_where_it_is_asked_for_and_credentials_are_kept) {
  FakeRegistry registry([](const FakeRequest& request, FakeReply& reply) {
    if (request.header("authorization") == kBasicOfMe) return false;
    reply.answer(401, "", {{"WWW-Authenticate", "Basic realm=\"x\""}});
    return true;
  });
  const auto layer = registry.add_blob("layer");
  registry.add_manifest("latest", manifest_text(layer, layer), std::string(oci::kMediaTypeManifest));
  Client with(options_with(kMe));
  (void)with.fetch_manifest(registry.reference());
  (void)with.fetch_manifest(registry.reference());
  EXPECT_EQ(registry.server().requests().size(), 3u);
  Client without(quick_options());
  const Error error = error_of([&] { (void)without.fetch_manifest(registry.reference()); });
  EXPECT_EQ(error.kind(), ErrorKind::Denied);
  EXPECT_THAT(error.what(), HasSubstr("log in with 'myct login " + registry.host()));
}

TEST(Login, is_tried_at_the_registry_before_anything_is_kept) {
  TokenRegistry fake([](const FakeRequest& request, FakeReply& reply) {
    if (request.header("authorization") != kBasicOfMe) return reply.answer(401);
    reply.answer(200, R"({"token":"good","refresh_token":"identity"})");
  });
  Client client(quick_options());
  const Credentials kept = client.check_credentials(fake.registry().host(), kMe);
  EXPECT_EQ(kept.identity_token, "identity");
  EXPECT_THAT(fake.service().requests()[0].target, HasSubstr("offline_token=true"));
  Credentials wrong = kMe;
  wrong.password = "guess";
  EXPECT_EQ(error_of([&] { (void)client.check_credentials(fake.registry().host(), wrong); }).kind(), ErrorKind::Denied);
}

TEST(Login, works_with_basic_authentication_and_without_any) {
  std::atomic<bool> asks{true};
  FakeRegistry registry([&](const FakeRequest& request, FakeReply& reply) {
    if (!asks || request.header("authorization") == kBasicOfMe) return false;
    reply.answer(401, "", {{"WWW-Authenticate", "Basic realm=\"x\""}});
    return true;
  });
  Client client(quick_options());
  EXPECT_EQ(client.check_credentials(registry.host(), kMe), kMe);
  Credentials wrong = kMe;
  wrong.password = "guess";
  EXPECT_EQ(error_of([&] { (void)client.check_credentials(registry.host(), wrong); }).kind(), ErrorKind::Denied);
  asks = false;
  EXPECT_EQ(client.check_credentials(registry.host(), wrong), wrong);
}

}  // namespace
}  // namespace myct::registry
