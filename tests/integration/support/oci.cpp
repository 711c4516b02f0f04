#include "oci.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cstring>

#include "myct/base/socket.hpp"

namespace myct::test {

DescriptorSocket::DescriptorSocket(const std::string& path)
    : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  EXPECT_EQ(::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0) << path;
  EXPECT_EQ(::listen(socket_.get(), 1), 0);
}

DescriptorSocket::Received DescriptorSocket::receive() const {
  const Fd peer(::accept(socket_.get(), nullptr, nullptr));
  Received received{.text = std::string(4096, '\0'), .fd = {}};
  const ssize_t got = receive_message(peer.ref(), received.text, received.fd, 0);
  received.text.resize(got > 0 ? static_cast<size_t>(got) : 0);
  return received;
}

void OciTest::SetUp() {
  Sandbox::SetUp();
  make_directory("bundle");
  make_directory("bundle/rootfs");
  const Result unpacked = Process(Command{.argv = {"/bin/tar", "-xf", busybox_tarball(), "-C", rootfs()}}).wait();
  ASSERT_EQ(unpacked.status, 0) << unpacked;
  for (const char* name : {"proc", "sys", "dev", "tmp"}) ::mkdir((rootfs() + "/" + name).c_str(), 0755);
  write_file("bundle/rootfs/probe", read_file(probe_path()), 0755);
}

void OciTest::TearDown() {
  for (const auto& state : Json::parse(oci({"list", "--format", "json"}).out, nullptr, false))
    (void)oci({"delete", "--force", state.value("id", "")});
  Sandbox::TearDown();
}

Json OciTest::config(const Words& args) const {
  Json config = Json::parse(R"({
    "ociVersion": "1.2.0",
    "process": {
      "user": {"uid": 0, "gid": 0},
      "env": ["PATH=/bin:/sbin:/usr/bin:/usr/sbin"],
      "cwd": "/",
      "capabilities": {
        "bounding": ["CAP_KILL", "CAP_CHOWN", "CAP_NET_BIND_SERVICE"],
        "effective": ["CAP_KILL", "CAP_CHOWN", "CAP_NET_BIND_SERVICE"],
        "permitted": ["CAP_KILL", "CAP_CHOWN", "CAP_NET_BIND_SERVICE"]
      }
    },
    "root": {"path": "rootfs"},
    "hostname": "bundle",
    "mounts": [
      {"destination": "/proc", "type": "proc", "source": "proc"},
      {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "strictatime", "mode=755"]},
      {"destination": "/dev/pts", "type": "devpts", "source": "devpts",
       "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"]},
      {"destination": "/dev/shm", "type": "tmpfs", "source": "shm", "options": ["nosuid", "noexec", "nodev"]},
      {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["nosuid", "noexec", "nodev", "ro"]}
    ],
    "linux": {
      "namespaces": [{"type": "pid"}, {"type": "network"}, {"type": "ipc"}, {"type": "uts"}, {"type": "mount"}]
    }
  })");
  config["process"]["args"] = args;
  return config;
}

void OciTest::save(const Json& config) const { write_file("bundle/config.json", config.dump()); }

Command OciTest::oci_command(const Words& words) const {
  Words all = {"oci", "--root", records()};
  all.insert(all.end(), words.begin(), words.end());
  return command(all);
}

Result OciTest::oci(const Words& words) const { return Process(oci_command(words)).wait(); }

Result OciTest::leave(const Words& words) const {
  const Fd null(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  Command leaving = oci_command(words);
  leaving.streams = {{1, null.get()}, {2, null.get()}};
  return Process(leaving).wait();
}

Result OciTest::run(const Json& config) const {
  save(config);
  return oci({"run", "--bundle", bundle(), "c"});
}

Result OciTest::run_script(const std::string& script, const std::function<void(Json&)>& change) const {
  Json changed = config({"sh", "-c", script});
  if (change) change(changed);
  return run(changed);
}

void OciTest::create(const Json& config) const {
  save(config);
  const Result created = leave({"create", "--bundle", bundle(), "--pid-file", path("pid"), "c"});
  ASSERT_EQ(created.status, 0) << created;
}

void OciTest::start() const {
  const Result started = oci({"start", "c"});
  ASSERT_EQ(started.status, 0) << started;
}

Json OciTest::state() const {
  const Json state = Json::parse(oci({"state", "c"}).out, nullptr, false);
  return state.is_discarded() ? Json::object() : state;
}

}  // namespace myct::test
