#include <fmt/format.h>
#include <gtest/gtest.h>

#include "inspect_json.hpp"

namespace myct::manager {
namespace {

using Json = nlohmann::ordered_json;

ContainerSummary container() {
  ContainerSummary summary;
  state::Record& record = summary.record;
  record.id = std::string(64, 'a');
  record.name = "web";
  record.created = *parse_time("2024-05-01T10:00:00.5Z");
  record.image = "alpine";
  record.image_id = "sha256:feed";
  record.command = {"/entry", "sh", "-c"};
  record.labels = {{"tier", "front"}};
  record.anonymous_volumes = {"deadbeef"};
  record.stop_signal = 2;
  record.restart = {.policy = state::RestartPolicy::OnFailure, .max_attempts = 5};
  record.settings.entrypoint = {"/entry"};
  record.settings.cmd = {"sh", "-c"};
  record.settings.network = "none";
  record.settings.mounts = {
      {.type = "bind",
       .name = "",
       .source = "/srv",
       .destination = "/www",
       .propagation = "rprivate",
       .writable = false},
      {.type = "volume", .name = "data", .source = "/v/data", .destination = "/data", .propagation = ""},
      {.type = "volume", .name = "deadbeef", .source = "/v/deadbeef", .destination = "/cache", .propagation = ""}};
  return summary;
}

oci::Spec spec() {
  oci::Spec spec;
  spec.hostname = "box";
  spec.process.env = {"A=1"};
  spec.process.cwd = "/srv";
  spec.process.rlimits = {{.type = "RLIMIT_NOFILE", .hard = UINT64_MAX, .soft = 10}};
  spec.root = {.path = "/c/merged", .readonly = true};
  spec.mounts = {{.destination = "/",
                  .type = "overlay",
                  .source = "overlay",
                  .options = {"lowerdir+=/l/2", "lowerdir+=/l/1", "upperdir=/c/upper", "workdir=/c/work", "nodev"}}};
  spec.linux_.masked_paths = {"/proc/kcore"};
  return spec;
}

Json build(const ContainerSummary& summary) {
  return build_container_document({.container = summary,
                                   .spec = spec(),
                                   .directory = "/c",
                                   .log_path = {},
                                   .size = ContainerSize{.written = 12, .image = 100}});
}

TEST(ContainerDocument, has_docker_s_names_and_values) {
  const Json json = build(container());
  EXPECT_EQ(json["Name"], "/web");
  EXPECT_EQ(json["Created"], "2024-05-01T10:00:00.500000000Z");
  EXPECT_EQ(json["Path"], "/entry");
  EXPECT_EQ(json["Args"], Json({"sh", "-c"}));
  EXPECT_EQ(json["Image"], "sha256:feed");
  EXPECT_EQ(json["HostsPath"], "/c/hosts");
  EXPECT_EQ(json["SizeRw"], 12);
  EXPECT_EQ(json["SizeRootFs"], 112);
  EXPECT_EQ(json["Config"]["Image"], "alpine");
  EXPECT_EQ(json["Config"]["Hostname"], "box");
  EXPECT_EQ(json["Config"]["Env"], Json({"A=1"}));
  EXPECT_EQ(json["Config"]["StopSignal"], "SIGINT");
  EXPECT_EQ(json["Config"]["Labels"]["tier"], "front");
  EXPECT_EQ(json["Config"]["Volumes"], Json::parse(R"({"/cache": {}})"));
  EXPECT_EQ(json["HostConfig"]["RestartPolicy"], Json::parse(R"({"Name": "on-failure", "MaximumRetryCount": 5})"));
  EXPECT_EQ(json["HostConfig"]["Binds"], Json({"/srv:/www:ro", "data:/data"}));
  EXPECT_EQ(json["HostConfig"]["Ulimits"], Json::parse(R"([{"Name": "nofile", "Hard": -1, "Soft": 10}])"));
  EXPECT_EQ(json["HostConfig"]["ReadonlyRootfs"], true);
  EXPECT_EQ(json["HostConfig"]["MaskedPaths"], Json({"/proc/kcore"}));
  EXPECT_EQ(json["GraphDriver"]["Data"]["LowerDir"], "/l/2:/l/1");
  EXPECT_EQ(json["GraphDriver"]["Data"]["UpperDir"], "/c/upper");
  EXPECT_EQ(json["Mounts"][0], Json::parse(R"({"Type": "bind", "Source": "/srv", "Destination": "/www", "Mode": "ro",
                                               "RW": false, "Propagation": "rprivate"})"));
  EXPECT_EQ(json["Mounts"][1]["Driver"], "local");
  EXPECT_EQ(json["NetworkSettings"]["Networks"]["none"]["IPAddress"], "");
}

TEST(ContainerDocument, has_empty_values_for_what_there_is_not) {
  const Json json = build(container());
  EXPECT_TRUE(json["State"].contains("Health"));
  EXPECT_TRUE(json["State"]["Health"].is_null());
  EXPECT_EQ(json["HostConfig"].value("Memory", -1), 0);
  EXPECT_EQ(json["HostConfig"].value("PidMode", "missing"), "");
  EXPECT_EQ(json["NetworkSettings"].value("SandboxKey", "missing"), "");
  EXPECT_EQ(json["NetworkSettings"]["Networks"]["none"].value("IPPrefixLen", -1), 0);
  EXPECT_TRUE(json["Config"].contains("Healthcheck"));
  EXPECT_EQ(json["HostConfig"]["CapAdd"], Json()) << "what the record tells is not overwritten";
  EXPECT_EQ(json["HostConfig"]["NetworkMode"], "none");
}

TEST(ContainerDocument, shows_health_and_its_check_as_docker_does) {
  ContainerSummary summary = container();
  const SystemTime start = *parse_time("2024-05-01T10:00:00Z");
  summary.health = state::Health{.status = state::HealthStatus::Starting,
                                 .failing_streak = 1,
                                 .log = {{.start = start, .end = start, .exit_code = 2, .output = "no\n"}}};
  summary.record.healthcheck =
      oci::Healthcheck{.test = {"CMD-SHELL", "true"}, .interval = std::chrono::seconds(1), .retries = 4};
  const Json json = build(summary);
  EXPECT_EQ(json["State"]["Health"], Json::parse(R"({"Status": "starting", "FailingStreak": 1, "Log": [
      {"Start": "2024-05-01T10:00:00.000000000Z", "End": "2024-05-01T10:00:00.000000000Z", "ExitCode": 2,
       "Output": "no\n"}]})"));
  EXPECT_EQ(json["Config"]["Healthcheck"],
            Json::parse(R"({"Test": ["CMD-SHELL", "true"], "Interval": 1000000000, "Retries": 4})"));
}

TEST(ContainerDocument, shows_the_log_options_that_were_given) {
  ContainerSummary summary = container();
  EXPECT_EQ(build(summary)["HostConfig"]["LogConfig"], Json::parse(R"({"Type": "json-file", "Config": {}})"));
  summary.record.log = {.max_size = 10'000'000, .options = {"max-size=5m", "max-size=10m"}};
  EXPECT_EQ(build(summary)["HostConfig"]["LogConfig"]["Config"], Json::parse(R"({"max-size": "10m"})"));
}

TEST(ContainerDocument, tells_a_state_in_docker_s_words) {
  ContainerSummary summary = container();
  Json state = build(summary)["State"];
  EXPECT_EQ(state["Status"], "created");
  EXPECT_EQ(state["Running"], false);
  EXPECT_EQ(state["StartedAt"], "0001-01-01T00:00:00Z");
  summary.record.started_at = summary.record.created;
  summary.run.emplace().init.pid = 42;
  summary.status = state::Status::Paused;
  state = build(summary)["State"];
  EXPECT_EQ(state["Status"], "paused");
  EXPECT_EQ(state["Running"], true);
  EXPECT_EQ(state["Paused"], true);
  EXPECT_EQ(state["Pid"], 42);
  EXPECT_EQ(state["ExitCode"], 0);
  summary.status = state::Status::Exited;
  state = build(summary)["State"];
  EXPECT_EQ(state["Pid"], 0);
  EXPECT_EQ(state["ExitCode"], 255) << "cut short: nobody knows its own";
  summary.record.outcome = state::Outcome{
      .exit_code = 137, .finished_at = *parse_time("2024-05-01T10:00:01Z"), .oom_killed = true, .error = "why"};
  state = build(summary)["State"];
  EXPECT_EQ(state["ExitCode"], 137);
  EXPECT_EQ(state["OOMKilled"], true);
  EXPECT_EQ(state["Error"], "why");
  EXPECT_EQ(state["FinishedAt"], "2024-05-01T10:00:01.000000000Z");
}

TEST(ContainerDocument, derives_limits_from_the_configuration) {
  ContainerSummary summary = container();
  summary.record.settings.cgroup_parent = "/jobs";
  summary.record.settings.devices = {{.host_path = "/dev/fuse", .container_path = "/dev/f", .access = "rw"}};
  summary.record.settings.device_rules = {"c 10:* r"};
  oci::Spec limited = spec();
  limited.process.oom_score_adj = 10;
  limited.mounts.push_back({.destination = "/dev/shm", .type = "tmpfs", .source = "shm", .options = {"size=1024"}});
  oci::Resources& resources = limited.linux_.resources;
  resources.memory = {.limit = 512, .reservation = 256, .swap = -1};
  resources.cpu = {.shares = 512, .quota = 150'000, .period = 100'000, .cpus = "0-1", .mems = "0"};
  resources.pids_limit = 100;
  resources.block_io.weight = 300;
  resources.block_io.weight_devices = {{.major = 8, .minor = 0, .weight = uint16_t{200}}};
  resources.block_io.read_bps = {{.major = 8, .minor = 0, .rate = 1024}};
  resources.unified = {{"cpu.weight", "77"}};
  const Json config = build_container_document(
      {.container = summary,
       .spec = limited,
       .directory = "/c",
       .log_path = {},
       .size = std::nullopt,
       .disk_name = [](const std::string& numbers) { return "/dev/disk" + numbers; }})["HostConfig"];
  EXPECT_EQ(config["CgroupParent"], "/jobs");
  EXPECT_EQ(config["CgroupnsMode"], "host");
  EXPECT_EQ(config["Memory"], 512);
  EXPECT_EQ(config["MemoryReservation"], 256);
  EXPECT_EQ(config["MemorySwap"], -1);
  EXPECT_EQ(config["NanoCpus"], 1'500'000'000);
  EXPECT_EQ(config["CpuQuota"], 150'000);
  EXPECT_EQ(config["CpuPeriod"], 100'000);
  EXPECT_EQ(config["CpuShares"], 512);
  EXPECT_EQ(config["CpuWeight"], 77);
  EXPECT_EQ(config["CpusetCpus"], "0-1");
  EXPECT_EQ(config["CpusetMems"], "0");
  EXPECT_EQ(config["PidsLimit"], 100);
  EXPECT_EQ(config["BlkioWeight"], 300);
  EXPECT_EQ(config["BlkioWeightDevice"], Json::parse(R"([{"Path": "/dev/disk8:0", "Weight": 200}])"));
  EXPECT_EQ(config["BlkioDeviceReadBps"], Json::parse(R"([{"Path": "/dev/disk8:0", "Rate": 1024}])"));
  EXPECT_EQ(config["BlkioDeviceWriteIOps"], Json::array());
  EXPECT_EQ(config["Devices"], Json::parse(R"([{"PathOnHost": "/dev/fuse", "PathInContainer": "/dev/f",
                                                "CgroupPermissions": "rw"}])"));
  EXPECT_EQ(config["DeviceCgroupRules"], Json({"c 10:* r"}));
  EXPECT_EQ(config["OomScoreAdj"], 10);
  EXPECT_EQ(config["OomKillDisable"], false);
  EXPECT_EQ(config["ShmSize"], 1024);
}

TEST(ContainerDocument, shows_no_limits_as_docker_does) {
  const Json config = build(container())["HostConfig"];
  EXPECT_EQ(config["Memory"], 0);
  EXPECT_EQ(config["MemorySwap"], 0);
  EXPECT_EQ(config["NanoCpus"], 0);
  EXPECT_EQ(config["PidsLimit"], nullptr);
  EXPECT_EQ(config["DeviceCgroupRules"], nullptr);
}

TEST(ContainerDocument, leaves_out_what_only_the_configuration_tells) {
  const ContainerSummary summary = container();
  const Json json = build_container_document(
      {.container = summary, .spec = std::nullopt, .directory = "/c", .log_path = {}, .size = std::nullopt});
  EXPECT_EQ(json["Name"], "/web");
  EXPECT_FALSE(json["Config"].contains("Env"));
  EXPECT_FALSE(json.contains("GraphDriver"));
  EXPECT_FALSE(json.contains("SizeRw"));
}

TEST(ImageDocument, has_docker_s_names_and_values) {
  const Json json = build_image_document({.id = "sha256:feed",
                                          .references = {"alpine:latest", "alpine:3.20"},
                                          .image = {.created = "2024-05-01T10:00:00Z",
                                                    .architecture = "amd64",
                                                    .config = {.cmd = {"/bin/sh"}, .volumes = {"/data"}},
                                                    .diff_ids = {"sha256:1"}},
                                          .size = 99});
  EXPECT_EQ(json["RepoTags"], Json({"alpine:latest", "alpine:3.20"}));
  EXPECT_EQ(json["Config"]["Cmd"], Json({"/bin/sh"}));
  EXPECT_EQ(json["Config"]["Entrypoint"], nullptr);
  EXPECT_EQ(json["Config"]["Volumes"], Json::parse(R"({"/data": {}})"));
  EXPECT_EQ(json["RootFS"], Json::parse(R"({"Type": "layers", "Layers": ["sha256:1"]})"));
  EXPECT_EQ(json["Size"], 99);
}

}  // namespace
}  // namespace myct::manager
