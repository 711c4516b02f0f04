#include "myct/security/capabilities.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/wait.h>
#include <unistd.h>

#include "myct/base/error.hpp"
#include "myct/spec/runtime_spec.hpp"

namespace myct::security {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

constexpr CapabilitySet kAll{(uint64_t{1} << 41) - 1};

template <typename... Numbers>
CapabilitySet set_of(Numbers... numbers) {
  CapabilitySet set;
  (set.add(numbers), ...);
  return set;
}

TEST(Capabilities, are_parsed_in_any_case_and_with_or_without_prefix) {
  for (const char* name : {"net_admin", "NET_ADMIN", "CAP_NET_ADMIN", "cap_net_admin", "Cap_Net_Admin"})
    EXPECT_EQ(parse_capability(name), CAP_NET_ADMIN) << name;
  EXPECT_EQ(parse_capability("chown"), 0);
  EXPECT_EQ(parse_capability("checkpoint_restore"), 40);
}

TEST(Capabilities, refuse_unknown_names_in_dockers_words) {
  for (const char* name : {"", "CAP_", "CAP_CAP_KILL", "KILLER", "KIL", " KILL", "ALL"})
    EXPECT_EQ(try_parse_capability(name), std::nullopt) << name;
  try {
    (void)parse_capability("foo");
    FAIL() << "foo is no capability";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "unknown capability: \"CAP_FOO\"");
    EXPECT_EQ(error.kind(), ErrorKind::Invalid);
  }
}

TEST(Capabilities, survive_the_way_to_names_and_back) {
  const std::vector<std::string> names = capability_names(kAll);
  EXPECT_EQ(names.size(), 41U);
  EXPECT_EQ(parse_capabilities(names), kAll);
  EXPECT_THAT(capability_names(set_of(CAP_SYS_ADMIN, CAP_BPF)), ElementsAre("CAP_SYS_ADMIN", "CAP_BPF"));
  EXPECT_EQ(capability_name(41), "CAP_41");
}

TEST(Capabilities, default_is_dockers_fourteen) {
  EXPECT_EQ(kDockerDefaultCapabilities,
            set_of(CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_FOWNER, CAP_FSETID, CAP_KILL, CAP_SETGID, CAP_SETUID, CAP_SETPCAP,
                   CAP_NET_BIND_SERVICE, CAP_NET_RAW, CAP_SYS_CHROOT, CAP_MKNOD, CAP_AUDIT_WRITE, CAP_SETFCAP));
  EXPECT_EQ(kDockerDefaultCapabilities.mask(), 0xa80425fbU);
}

struct SelectCase {
  const char* name;
  std::vector<std::string> adds;
  std::vector<std::string> drops;
  CapabilitySet expected;
};

void PrintTo(const SelectCase& row, std::ostream* out) { *out << row.name; }

class SelectCapabilities : public ::testing::TestWithParam<SelectCase> {};

TEST_P(SelectCapabilities, follows_dockers_algorithm) {
  EXPECT_EQ(select_capabilities(GetParam().adds, GetParam().drops, kAll), GetParam().expected);
}

INSTANTIATE_TEST_SUITE_P(
    Docker, SelectCapabilities,
    ::testing::Values(SelectCase{"nothing_asked", {}, {}, kDockerDefaultCapabilities},
                      SelectCase{"one_added", {"net_admin"}, {}, kDockerDefaultCapabilities | set_of(CAP_NET_ADMIN)},
                      SelectCase{"one_dropped", {}, {"CAP_NET_RAW"}, kDockerDefaultCapabilities - set_of(CAP_NET_RAW)},
                      SelectCase{"adding_beats_dropping", {"NET_RAW"}, {"NET_RAW"}, kDockerDefaultCapabilities},
                      SelectCase{"all_dropped", {}, {"all"}, CapabilitySet{}},
                      SelectCase{"all_dropped_and_one_added", {"KILL"}, {"ALL"}, set_of(CAP_KILL)},
                      SelectCase{"all_dropped_and_one_more_dropped", {}, {"ALL", "KILL"}, CapabilitySet{}},
                      SelectCase{"all_added", {"ALL"}, {}, kAll},
                      SelectCase{"all_added_but_one", {"All"}, {"SYS_ADMIN"}, kAll - set_of(CAP_SYS_ADMIN)},
                      SelectCase{"all_added_and_all_dropped", {"ALL"}, {"ALL"}, kAll},
                      SelectCase{"dropping_what_is_not_there", {}, {"SYS_ADMIN"}, kDockerDefaultCapabilities}),
    [](const auto& test) { return test.param.name; });

TEST(SelectCapabilities, refuses_unknown_names_beside_all) {
  const std::vector<std::string> all = {"ALL"};
  const std::vector<std::string> unknown = {"nonsense"};
  EXPECT_THROW((void)select_capabilities(all, unknown, kAll), Error);
  EXPECT_THROW((void)select_capabilities(unknown, all, kAll), Error);
}

TEST(PlanCapabilities, drops_from_the_bounding_set_only_what_is_in_it) {
  const AvailableCapabilities available{.bounding = kAll - set_of(CAP_SYS_RESOURCE), .permitted = kAll};
  const PlannedCapabilities planned = plan_capabilities(oci_capabilities(kDockerDefaultCapabilities), available);
  EXPECT_EQ(planned.plan.bounding, kDockerDefaultCapabilities);
  EXPECT_EQ(planned.plan.effective, kDockerDefaultCapabilities);
  EXPECT_EQ(planned.plan.permitted, kDockerDefaultCapabilities);
  EXPECT_TRUE(planned.plan.inheritable.empty());
  EXPECT_TRUE(planned.plan.ambient.empty());
  EXPECT_EQ(planned.plan.bounding_drops, available.bounding - kDockerDefaultCapabilities);
  EXPECT_THAT(planned.missing, IsEmpty());
}

TEST(PlanCapabilities, does_without_what_cannot_be_given_and_names_it) {
  const CapabilitySet has = kAll - set_of(CAP_SYS_RESOURCE);
  oci::Capabilities wanted = oci_capabilities(kAll);
  wanted.bounding.emplace_back("CAP_FROM_THE_FUTURE");
  wanted.permitted.emplace_back("CAP_FROM_THE_FUTURE");
  const PlannedCapabilities planned = plan_capabilities(wanted, {.bounding = has, .permitted = has});
  EXPECT_EQ(planned.plan.bounding, has);
  EXPECT_EQ(planned.plan.effective, has);
  EXPECT_THAT(planned.missing, UnorderedElementsAre("CAP_FROM_THE_FUTURE", "CAP_SYS_RESOURCE"));
}

TEST(PlanCapabilities, cuts_down_sets_that_the_kernel_would_refuse_together) {
  const oci::Capabilities wanted{.bounding = {"CAP_KILL"},
                                 .effective = {"CAP_KILL", "CAP_CHOWN"},
                                 .inheritable = {"CAP_KILL", "CAP_CHOWN"},
                                 .permitted = {"CAP_KILL"},
                                 .ambient = {"CAP_KILL", "CAP_CHOWN"}};
  const CapabilityPlan plan = plan_capabilities(wanted, {.bounding = kAll, .permitted = kAll}).plan;
  EXPECT_EQ(plan.effective, set_of(CAP_KILL));
  EXPECT_EQ(plan.inheritable, set_of(CAP_KILL));
  EXPECT_EQ(plan.ambient, set_of(CAP_KILL));
}

TEST(CurrentCapabilities, are_among_those_of_the_kernel) {
  const AvailableCapabilities current = current_capabilities();
  const CapabilitySet all = user_namespace_capabilities().bounding;
  EXPECT_TRUE((current.bounding - all).empty());
  EXPECT_TRUE((current.permitted - all).empty());
  EXPECT_TRUE((kernel_capabilities() - all).empty());
  EXPECT_TRUE(kernel_capabilities().has(CAP_SYS_ADMIN));
}

/// Becomes another user with the sets of `plan`, as a container's first process does; 0 when all is as planned.
int become(const CapabilityPlan& plan) {
  try {
    drop_bounding_set(plan);
    keep_capabilities();
    if (::setresgid(1000, 1000, 1000) == -1 || ::setresuid(1000, 1000, 1000) == -1) return 2;
    apply_capabilities(plan);
    raise_ambient(plan);
    const AvailableCapabilities now = current_capabilities();
    return now.bounding == plan.bounding && now.permitted == plan.permitted ? 0 : 3;
  } catch (const Error& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}

TEST(CapabilityPlan, can_be_applied_across_a_change_of_user) {
  const AvailableCapabilities available = current_capabilities();
  if (!available.permitted.has(CAP_SETPCAP) || !available.permitted.has(CAP_SETUID))
    GTEST_SKIP() << "needs CAP_SETPCAP and CAP_SETUID";
  oci::Capabilities wanted = oci_capabilities(kDockerDefaultCapabilities);
  wanted.inheritable = wanted.ambient = {"CAP_KILL"};
  const CapabilityPlan plan = plan_capabilities(wanted, available).plan;
  const pid_t child = ::fork();
  if (child == 0) ::_exit(become(plan));
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace myct::security
