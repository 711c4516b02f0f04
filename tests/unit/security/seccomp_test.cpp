#include "myct/security/seccomp.hpp"

#include <gtest/gtest.h>
#include <linux/audit.h>
#include <linux/seccomp.h>

#include "bpf_interpreter.hpp"
#include "myct/base/error.hpp"
#include "myct/security/capabilities.hpp"
#include "myct/security/seccomp_default.hpp"
#include "myct/spec/runtime_spec.hpp"

namespace myct::security {
namespace {

constexpr uint32_t kX32 = 0x40000000;
constexpr uint32_t kEperm = SECCOMP_RET_ERRNO | EPERM;
constexpr uint32_t kEnosys = SECCOMP_RET_ERRNO | ENOSYS;
constexpr uint32_t kMkdirX86 = 39;
constexpr uint32_t kMkdirX64 = 83;
constexpr uint32_t kSocketcallX86 = 102;
constexpr uint32_t kSocketX86 = 359;
constexpr uint32_t kSocketX64 = 41;
constexpr uint32_t kGetppidX64 = 110;
constexpr uint32_t kReadX64 = 0;
constexpr uint32_t kCloseX64 = 3;
constexpr uint32_t kMseal = 462;
constexpr uint32_t kNewer = 5000;

oci::Seccomp profile(const char* default_action, std::vector<oci::SeccompRule> rules) {
  return {.default_action = default_action,
          .architectures = {"SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"},
          .syscalls = std::move(rules)};
}

/// A compiled profile that can be asked.
class Filter {
 public:
  explicit Filter(const oci::Seccomp& source) : program_(compile_seccomp(source)) {}

  [[nodiscard]] uint32_t x64(uint32_t number, std::vector<uint64_t> arguments = {}) const {
    return ask(AUDIT_ARCH_X86_64, number, arguments);
  }
  [[nodiscard]] uint32_t x86(uint32_t number, std::vector<uint64_t> arguments = {}) const {
    return ask(AUDIT_ARCH_I386, number, arguments);
  }
  [[nodiscard]] uint32_t ask(uint32_t architecture, uint32_t number, const std::vector<uint64_t>& arguments) const {
    seccomp_data call{};
    call.nr = static_cast<int>(number);
    call.arch = architecture;
    std::copy(arguments.begin(), arguments.end(), std::begin(call.args));
    return interpret(program_, call);
  }

 private:
  std::vector<sock_filter> program_;
};

TEST(CompileSeccomp, answers_by_number_on_every_architecture) {
  const Filter filter(profile("SCMP_ACT_ALLOW", {{.names = {"mkdir"}, .action = "SCMP_ACT_ERRNO"}}));
  EXPECT_EQ(filter.x64(kMkdirX64), kEperm);
  EXPECT_EQ(filter.x64(kX32 + kMkdirX64), kEperm);
  EXPECT_EQ(filter.x86(kMkdirX86), kEperm);
  EXPECT_EQ(filter.x64(kMkdirX86), SECCOMP_RET_ALLOW);
  EXPECT_EQ(filter.x86(kMkdirX64), SECCOMP_RET_ALLOW);
}

TEST(CompileSeccomp, kills_calls_of_architectures_that_are_not_in_the_profile) {
  oci::Seccomp source = profile("SCMP_ACT_ALLOW", {});
  source.architectures = {"SCMP_ARCH_X86_64"};
  const Filter filter(source);
  EXPECT_EQ(filter.x64(kReadX64), SECCOMP_RET_ALLOW);
  EXPECT_EQ(filter.x86(kMkdirX86), SECCOMP_RET_KILL_THREAD);
  EXPECT_EQ(filter.x64(kX32 + kReadX64), SECCOMP_RET_KILL_THREAD);
}

TEST(CompileSeccomp, ignores_unknown_calls_and_architectures) {
  oci::Seccomp source = profile("SCMP_ACT_ERRNO", {{.names = {"no_such_call", "read"}, .action = "SCMP_ACT_ALLOW"}});
  source.architectures.emplace_back("SCMP_ARCH_NONSENSE");
  source.architectures.emplace_back("SCMP_ARCH_S390X");  // of the other byte order
  EXPECT_EQ(Filter(source).x64(kReadX64), SECCOMP_RET_ALLOW);
}

TEST(CompileSeccomp, gives_enosys_to_newer_calls_where_the_default_refuses) {
  const std::vector<oci::SeccompRule> rules = {{.names = {"getppid"}, .action = "SCMP_ACT_ALLOW"}};
  for (const char* refusing : {"SCMP_ACT_ERRNO", "SCMP_ACT_KILL", "SCMP_ACT_TRAP"}) {
    const Filter filter(profile(refusing, rules));
    EXPECT_EQ(filter.x64(kNewer), kEnosys) << refusing;
    EXPECT_EQ(filter.x64(kGetppidX64), SECCOMP_RET_ALLOW) << refusing;
    EXPECT_EQ(filter.x64(kGetppidX64 + 1), kEnosys) << refusing;
    EXPECT_NE(filter.x64(kGetppidX64 - 1), kEnosys) << refusing;
  }
  EXPECT_EQ(Filter(profile("SCMP_ACT_ALLOW", {})).x64(kNewer), SECCOMP_RET_ALLOW);
  EXPECT_EQ(Filter(profile("SCMP_ACT_LOG", {})).x64(kNewer), SECCOMP_RET_LOG);
}

TEST(CompileSeccomp, knows_numbers_that_libseccomp_does_not) {
  const Filter filter(profile("SCMP_ACT_ERRNO", {{.names = {"mseal"}, .action = "SCMP_ACT_ALLOW"}}));
  EXPECT_EQ(filter.x64(kMseal), SECCOMP_RET_ALLOW);
  EXPECT_EQ(filter.x64(kX32 + kMseal), SECCOMP_RET_ALLOW);
  EXPECT_EQ(filter.x86(kMseal), SECCOMP_RET_ALLOW);
  EXPECT_EQ(filter.x64(kMseal - 1), kEperm);
  EXPECT_EQ(filter.x64(kMseal + 1), kEnosys);
}

TEST(CompileSeccomp, tests_arguments) {
  const Filter filter(profile("SCMP_ACT_ERRNO", {{.names = {"read"},
                                                  .action = "SCMP_ACT_ALLOW",
                                                  .args = {{.index = 0, .value = 5, .op = "SCMP_CMP_EQ"},
                                                           {.index = 2, .value = 16, .op = "SCMP_CMP_LE"}}}}));
  EXPECT_EQ(filter.x64(kReadX64, {5, 0, 16}), SECCOMP_RET_ALLOW);
  EXPECT_EQ(filter.x64(kReadX64, {5, 0, 17}), kEperm);
  EXPECT_EQ(filter.x64(kReadX64, {4, 0, 16}), kEperm);
  EXPECT_EQ(filter.x64(kReadX64, {(uint64_t{1} << 32) + 5, 0, 16}), kEperm);
}

TEST(CompileSeccomp, takes_two_tests_of_one_argument_as_alternatives) {
  const Filter filter(profile("SCMP_ACT_ERRNO", {{.names = {"close"},
                                                  .action = "SCMP_ACT_ALLOW",
                                                  .args = {{.index = 0, .value = 5, .op = "SCMP_CMP_EQ"},
                                                           {.index = 0, .value = 7, .op = "SCMP_CMP_EQ"}}}}));
  EXPECT_EQ(filter.x64(kCloseX64, {5}), SECCOMP_RET_ALLOW);
  EXPECT_EQ(filter.x64(kCloseX64, {7}), SECCOMP_RET_ALLOW);
  EXPECT_EQ(filter.x64(kCloseX64, {6}), kEperm);
}

TEST(CompileSeccomp, reaches_calls_made_through_socketcall) {
  constexpr uint64_t kSocket = 1;
  constexpr uint64_t kBind = 2;
  const Filter denied(profile("SCMP_ACT_ALLOW", {{.names = {"socket"}, .action = "SCMP_ACT_ERRNO"}}));
  EXPECT_EQ(denied.x64(kSocketX64), kEperm);
  EXPECT_EQ(denied.x86(kSocketX86), kEperm);
  EXPECT_EQ(denied.x86(kSocketcallX86, {kSocket}), kEperm);
  EXPECT_EQ(denied.x86(kSocketcallX86, {kBind}), SECCOMP_RET_ALLOW);
  const Filter allowed(profile("SCMP_ACT_ERRNO", {{.names = {"socket"}, .action = "SCMP_ACT_ALLOW"}}));
  EXPECT_EQ(allowed.x86(kSocketcallX86, {kSocket}), SECCOMP_RET_ALLOW);
  EXPECT_EQ(allowed.x86(kSocketcallX86, {kBind}), kEperm);
}

TEST(CompileSeccomp, makes_a_small_program_of_the_default_policy) {
  // Its length is paid at every start: the kernel verifies, translates and emulates it.
  const oci::Seccomp source =
      default_seccomp(kDockerDefaultCapabilities, {.architecture = "SCMP_ARCH_X86_64", .kernel_major = 6});
  EXPECT_LT(compile_seccomp(source).size(), 400U);
}

struct RefusedProfile {
  const char* name;
  oci::Seccomp source;
  const char* message;
};

void PrintTo(const RefusedProfile& row, std::ostream* out) { *out << row.name; }

class RefusedSeccomp : public ::testing::TestWithParam<RefusedProfile> {};

TEST_P(RefusedSeccomp, is_named_in_the_error) {
  try {
    (void)compile_seccomp(GetParam().source);
    FAIL() << "compiled";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), GetParam().message);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Profiles, RefusedSeccomp,
    ::testing::Values(
        RefusedProfile{"default_action", profile("SCMP_ACT_MAYBE", {}), "unknown seccomp action 'SCMP_ACT_MAYBE'"},
        RefusedProfile{"errno_of_allow",
                       profile("SCMP_ACT_ERRNO", {{.names = {"read"}, .action = "SCMP_ACT_ALLOW", .errno_ret = 1}}),
                       "seccomp action SCMP_ACT_ALLOW takes no errnoRet"},
        RefusedProfile{"errno_too_large",
                       profile("SCMP_ACT_ALLOW", {{.names = {"read"}, .action = "SCMP_ACT_ERRNO", .errno_ret = 65536}}),
                       "seccomp errnoRet 65536 is out of range"},
        RefusedProfile{"operator",
                       profile("SCMP_ACT_ERRNO",
                               {{.names = {"read"}, .action = "SCMP_ACT_ALLOW", .args = {{.op = "SCMP_CMP_ODD"}}}}),
                       "unknown seccomp operator 'SCMP_CMP_ODD'"},
        RefusedProfile{
            "argument",
            profile("SCMP_ACT_ERRNO",
                    {{.names = {"read"}, .action = "SCMP_ACT_ALLOW", .args = {{.index = 6, .op = "SCMP_CMP_EQ"}}}}),
            "seccomp argument index 6 is out of range"}),
    [](const auto& test) { return test.param.name; });

TEST(SeccompFlags, are_parsed_and_default_to_spec_allow) {
  oci::Seccomp source;
  EXPECT_EQ(seccomp_flags(source), SECCOMP_FILTER_FLAG_SPEC_ALLOW);
  source.flags = {"SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_TSYNC"};
  EXPECT_EQ(seccomp_flags(source), SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_TSYNC);
  source.flags = {"SECCOMP_FILTER_FLAG_NONSENSE"};
  EXPECT_THROW((void)seccomp_flags(source), Error);
}

}  // namespace
}  // namespace myct::security
