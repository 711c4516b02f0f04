#include "myct/spec/resources.hpp"

#include <gtest/gtest.h>

#include "myct/base/error.hpp"
#include "myct/spec/runtime_spec.hpp"

namespace myct::oci {
namespace {

constexpr const char* kEverything = R"({"blockIO":{"leafWeight":11,"throttleReadBpsDevice":[{"major":8,"minor":0,)"
                                    R"("rate":600}],"throttleReadIOPSDevice":[{"major":8,"minor":1,"rate":601}],)"
                                    R"("throttleWriteBpsDevice":[{"major":8,"minor":2,"rate":602}],)"
                                    R"("throttleWriteIOPSDevice":[{"major":8,"minor":3,"rate":603}],"weight":10,)"
                                    R"("weightDevice":[{"leafWeight":300,"major":8,"minor":0,"weight":500}]},)"
                                    R"("cpu":{"burst":1000,"cpus":"2-3","idle":0,"mems":"0-7","period":500000,)"
                                    R"("quota":1000000,"shares":1024},"devices":[{"access":"rwm","allow":false,)"
                                    R"("type":"a"},{"access":"rw","allow":true,"major":10,"minor":229,"type":"c"}],)"
                                    R"("hugepageLimits":[{"limit":9223372036854772000,"pageSize":"2MB"}],)"
                                    R"("memory":{"checkBeforeUpdate":true,"disableOOMKiller":false,"limit":536870912,)"
                                    R"("reservation":-1,"swap":536870912,"swappiness":0},"pids":{"limit":32771},)"
                                    R"("unified":{"memory.high":"max"}})";

TEST(Resources, survive_the_way_to_json_and_back) {
  EXPECT_EQ(to_json(resources_from_json(kEverything, "resources.json")), kEverything);
}

TEST(Resources, are_part_of_a_configuration) {
  const Spec spec = spec_from_json(std::string(R"({"linux":{"resources":)") + kEverything + "}}", "config.json");
  EXPECT_EQ(spec.linux_.resources.memory.limit, 536870912);
  EXPECT_EQ(to_json(spec_from_json(to_json(spec), "config.json")), to_json(spec));
}

TEST(Resources, are_left_out_of_a_configuration_without_any) {
  EXPECT_EQ(to_json(Spec{}).find("resources"), std::string::npos);
}

TEST(Resources, take_a_negative_device_number_for_any) {
  const Resources resources =
      resources_from_json(R"({"devices":[{"allow":true,"type":"c","major":-1,"minor":5}]})", "r.json");
  ASSERT_EQ(resources.devices.size(), 1U);
  EXPECT_FALSE(resources.devices[0].major.has_value());
  EXPECT_EQ(resources.devices[0].minor, 5);
}

TEST(Resources, name_the_member_that_is_wrong) {
  try {
    (void)resources_from_json(R"({"memory":{"limit":"much"}})", "r.json");
    FAIL() << "not refused";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Invalid);
    EXPECT_NE(std::string(error.what()).find("'limit'"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace myct::oci
