// myct cp: docker-cp(1)'s table both ways, of containers that run and of others, and what goes with a file.
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <filesystem>

#include "sandbox.hpp"

namespace myct::test {
namespace {

namespace fs = std::filesystem;

using ::testing::HasSubstr;

/// What the container has: directory /dir, file /file, links to both and to nothing.
constexpr const char* kScript =
    "mkdir /dir && echo old >/file && ln -s dir /dirlink && ln -s /file /filelink && ln -s /nowhere /dangling";

enum class State : uint8_t { Running, Stopped };

class Copy : public ContainerTest {
 protected:
  void start(State state, const Words& options = {}, const std::string& script = kScript) {
    Words words = {"run", "--name", "web"};
    words.insert(words.end(), options.begin(), options.end());
    const bool runs = state == State::Running;
    words.insert(words.end(),
                 {"--image", "busybox", "sh", "-c", script + (runs ? " && echo ready && exec sleep 1000" : "")});
    if (!runs) {
      const Result result = myct(words);
      ASSERT_EQ(result.status, 0) << result;
      return;
    }
    running_.emplace(command(words));
    ASSERT_TRUE(running_->read_until("ready")) << running_->wait();
    (void)init_pid();  // recorded by now
  }
  void TearDown() override {
    end();
    ContainerTest::TearDown();
  }
  /// Ends and removes the container.
  void end() {
    if (running_) {
      ::kill(init_pid(), SIGKILL);
      running_->wait();
      running_.reset();
    }
    (void)myct({"rm", "web"});
  }

  /// Where what the container changed lies on the host.
  [[nodiscard]] std::string upper(const std::string& name) const {
    return fs::directory_iterator(root() + "/containers")->path().string() + "/upper" + name;
  }
  static struct stat inspect(const std::string& name) {
    struct stat status {};
    EXPECT_EQ(::lstat(name.c_str(), &status), 0) << name;
    return status;
  }
  [[nodiscard]] Result cp(Words words) const {
    words.insert(words.begin(), "cp");
    return myct(words);
  }

 private:
  std::optional<Process> running_;
};

struct Case {
  const char* source;
  const char* destination;
  const char* result;  ///< the file that is there afterwards, with the source's content; nullptr: it fails
  const char* error;
};

void PrintTo(const Case& row, std::ostream* out) { *out << row.source << " to " << row.destination; }

constexpr const char* kNoDirectory = "no such directory";
constexpr const char* kNoParent = "there is no directory";
constexpr const char* kOntoFile = "cannot copy a directory to";

// The source is file "f" or the directory "d" with a file "x".
constexpr Case kCases[] = {
    {"f", "/missing", "/missing", nullptr},
    {"f", "/missing/", nullptr, kNoDirectory},
    {"f", "/missing/.", nullptr, kNoDirectory},
    {"f", "/no/parent", nullptr, kNoParent},
    {"f", "/dir", "/dir/f", nullptr},
    {"f", "/dir/", "/dir/f", nullptr},
    {"f", "/dir/.", "/dir/f", nullptr},
    {"f", "/dir/name", "/dir/name", nullptr},
    {"f", "/file", "/file", nullptr},
    {"f", "/file/", nullptr, "not a directory"},
    {"f", "/file/name", nullptr, "Not a directory"},
    {"f", "/dirlink", "/dir/f", nullptr},
    {"f", "/filelink", "/file", nullptr},
    {"f", "/dangling", "/nowhere", nullptr},
    {"f", "/dir/../dir", "/dir/f", nullptr},
    {"f/", "/dir", nullptr, "Not a directory"},
    {"f/.", "/dir", nullptr, "Not a directory"},
    {"none", "/dir", nullptr, "no such file or directory"},
    {"d", "/missing", "/missing/x", nullptr},
    {"d", "/missing/", "/missing/x", nullptr},
    {"d", "/no/parent", nullptr, kNoParent},
    {"d", "/dir", "/dir/d/x", nullptr},
    {"d/", "/dir/", "/dir/d/x", nullptr},
    {"d", "/dirlink", "/dir/d/x", nullptr},
    {"d", "/file", nullptr, kOntoFile},
    {"d/.", "/missing", "/missing/x", nullptr},
    {"d/.", "/dir", "/dir/x", nullptr},
    {"d/.", "/file", nullptr, kOntoFile},
};

class CopyTable : public Copy, public ::testing::WithParamInterface<State> {
 protected:
  /// Files and directories in the form of the table, below `directory`.
  void make_sources(const std::string& directory) const {
    make_directory(directory + "/d");
    write_file(directory + "/f", "new");
    write_file(directory + "/d/x", "new");
  }
};

TEST_P(CopyTable, into_a_container_is_dockers) {
  make_sources("source");
  for (const Case& row : kCases) {
    start(GetParam());
    const Result result = cp({path("source") + "/" + row.source, std::string("web:") + row.destination});
    if (row.result == nullptr) {
      EXPECT_TRUE(fails_with(result, 1, row.error)) << ::testing::PrintToString(row);
    } else {
      EXPECT_TRUE(prints(result, "")) << ::testing::PrintToString(row);
      EXPECT_EQ(read_file(upper(row.result)), "new") << ::testing::PrintToString(row);
    }
    end();
  }
}

TEST_P(CopyTable, out_of_a_container_is_dockers) {
  start(GetParam(), {}, "mkdir -p /s/d && printf new >/s/f && printf new >/s/d/x");
  for (const Case& row : kCases) {
    const std::string host = make_directory("host");
    make_directory("host/dir");
    write_file("host/file", "old");
    fs::create_symlink("dir", host + "/dirlink");
    fs::create_symlink(host + "/file", host + "/filelink");
    fs::create_symlink(host + "/nowhere", host + "/dangling");
    const Result result = cp({std::string("web:/s/") + row.source, host + row.destination});
    if (row.result == nullptr) {
      EXPECT_TRUE(fails_with(result, 1, row.error)) << ::testing::PrintToString(row);
    } else {
      EXPECT_TRUE(prints(result, "")) << ::testing::PrintToString(row);
      EXPECT_EQ(read_file(host + row.result), "new") << ::testing::PrintToString(row);
    }
    fs::remove_all(host);
  }
}

INSTANTIATE_TEST_SUITE_P(, CopyTable, ::testing::Values(State::Running, State::Stopped),
                         [](const auto& state) { return state.param == State::Running ? "running" : "stopped"; });

TEST_F(Copy, refuses_two_local_paths_and_two_containers) {
  EXPECT_TRUE(fails_with(cp({"/a", "/b"}), 1, "must specify at least one container source"));
  EXPECT_TRUE(fails_with(cp({"a:/a", "b:/b"}), 1, "copying between containers is not supported"));
  EXPECT_TRUE(fails_with(cp({"none:/a", "/b"}), 1, "no such container: 'none'"));
}

TEST_F(Copy, takes_a_relative_path_of_a_container_from_its_root) {
  start(State::Stopped);
  EXPECT_TRUE(prints(cp({write_file("f", "new"), "web:dir"}), ""));
  EXPECT_EQ(read_file(upper("/dir/f")), "new");
}

TEST_F(Copy, never_puts_a_directory_and_a_file_in_each_others_place) {
  start(State::Stopped, {}, "mkdir -p /dir/d/x && mkdir /other && echo old >/other/d");
  make_directory("d");
  write_file("d/x", "new");
  EXPECT_TRUE(fails_with(cp({path("d"), "web:/dir"}), 1, "cannot overwrite directory 'd/x' with a file"));
  EXPECT_TRUE(fails_with(cp({path("d"), "web:/other"}), 1, "cannot overwrite non-directory 'd' with a directory"));
}

TEST_F(Copy, gives_files_to_root_and_with_a_keeps_their_owner) {
  start(State::Running);
  const std::string file = write_file("f", "x", 0640);
  ASSERT_EQ(::chown(file.c_str(), 1234, 567), 0);
  EXPECT_TRUE(prints(cp({file, "web:/dir/plain"}), ""));
  EXPECT_TRUE(prints(cp({"-a", file, "web:/dir/kept"}), ""));
  EXPECT_EQ(inspect(upper("/dir/plain")).st_uid, 0U);
  EXPECT_EQ(inspect(upper("/dir/plain")).st_gid, 0U);
  EXPECT_EQ(inspect(upper("/dir/plain")).st_mode, S_IFREG | 0640U);
  EXPECT_EQ(inspect(upper("/dir/kept")).st_uid, 1234U);
  EXPECT_EQ(inspect(upper("/dir/kept")).st_gid, 567U);
  EXPECT_TRUE(prints(cp({"web:/dir/kept", path("out")}), ""));
  EXPECT_TRUE(prints(cp({"--archive", "web:/dir/kept", path("out-kept")}), ""));
  EXPECT_EQ(inspect(path("out")).st_uid, ::geteuid());
  EXPECT_EQ(inspect(path("out-kept")).st_uid, 1234U);
}

TEST_F(Copy, makes_no_setuid_program_of_somebody_elses) {
  start(State::Stopped, {}, "touch /mine /roots && chown 1000:1000 /mine && chmod 6755 /mine /roots");
  EXPECT_TRUE(prints(cp({"web:/mine", path("mine")}), ""));
  EXPECT_TRUE(prints(cp({"web:/roots", path("roots")}), ""));
  EXPECT_EQ(inspect(path("mine")).st_mode & 07777, 0755U);
  EXPECT_EQ(inspect(path("roots")).st_mode & 07777, 06755U);
}

TEST_F(Copy, keeps_modes_times_links_attributes_and_holes_on_the_way_in_and_out) {
  start(State::Stopped);
  make_directory("d/sub");
  const std::string file = write_file("d/sub/file", "content", 0604);
  fs::create_hard_link(file, path("d/second"));
  fs::create_symlink("sub/file", path("d/link"));
  ASSERT_EQ(::mkfifo(path("d/fifo").c_str(), 0600), 0);
  const bool has_attributes = ::setxattr(file.c_str(), "user.colour", "red", 3, 0) == 0;
  write_file("d/holes", "begin");
  ASSERT_EQ(::truncate(path("d/holes").c_str(), 6L << 30), 0);
  ::chmod(path("d/sub").c_str(), 02751);
  const timespec times[2] = {{.tv_sec = 1'000'000'000, .tv_nsec = 123'456'789}, {1'000'000'000, 123'456'789}};
  ASSERT_EQ(::utimensat(AT_FDCWD, file.c_str(), times, 0), 0);
  ASSERT_EQ(::utimensat(AT_FDCWD, path("d/sub").c_str(), times, 0), 0);

  EXPECT_TRUE(prints(cp({path("d"), "web:/copy"}), ""));
  EXPECT_TRUE(prints(cp({"web:/copy", path("back")}), ""));
  for (const char* name : {"/sub/file", "/sub"}) {
    EXPECT_EQ(inspect(path("back") + name).st_mode, inspect(path("d") + name).st_mode) << name;
    EXPECT_EQ(inspect(path("back") + name).st_mtim.tv_sec, 1'000'000'000) << name;
    EXPECT_EQ(inspect(path("back") + name).st_mtim.tv_nsec, 123'456'789) << name;
  }
  EXPECT_EQ(inspect(path("back/second")).st_ino, inspect(path("back/sub/file")).st_ino);
  EXPECT_EQ(fs::read_symlink(path("back/link")), "sub/file");
  EXPECT_TRUE(S_ISFIFO(inspect(path("back/fifo")).st_mode));
  EXPECT_EQ(inspect(path("back/holes")).st_size, 6L << 30);
  EXPECT_LT(inspect(path("back/holes")).st_blocks, 1000);
  char colour[4] = {};
  if (has_attributes) {
    EXPECT_EQ(::getxattr(path("back/sub/file").c_str(), "user.colour", colour, 3), 3);
    EXPECT_STREQ(colour, "red");
  }
}

TEST_F(Copy, copies_a_link_itself_and_with_l_what_it_leads_to) {
  start(State::Stopped);
  EXPECT_TRUE(prints(cp({"web:/filelink", path("link")}), ""));
  EXPECT_EQ(fs::read_symlink(path("link")), "/file");
  EXPECT_TRUE(prints(cp({"-L", "web:/filelink", make_directory("in")}), ""));
  EXPECT_TRUE(fs::is_regular_file(fs::symlink_status(path("in/filelink"))));
  EXPECT_EQ(read_file(path("in/filelink")), "old\n");
}

TEST_F(Copy, keeps_names_that_are_no_text) {
  start(State::Stopped);
  make_directory("d");
  const std::string long_name(200, 'n');
  for (const std::string& name : {std::string("\xff\xfe"), std::string("e\xcc\x81"), long_name})
    write_file("d/" + name, "x");
  EXPECT_TRUE(prints(cp({path("d"), "web:/d"}), ""));
  EXPECT_TRUE(prints(cp({"web:/d/.", path("back")}), ""));
  for (const std::string& name : {std::string("\xff\xfe"), std::string("e\xcc\x81"), long_name})
    EXPECT_EQ(read_file(path("back/" + name)), "x") << name;
}

TEST_F(Copy, writes_and_reads_tar_streams_that_tar_knows) {
  start(State::Running);
  const std::map<std::string, std::string> env = {{"PATH", "/usr/bin:/bin"}};
  const Result packed = cp({"web:/file", "-"});
  EXPECT_EQ(packed.status, 0) << packed;
  const std::string archive = write_file("out.tar", packed.out);
  EXPECT_TRUE(prints(run({.argv = {"/usr/bin/tar", "-tf", archive}, .env = env}), "file\n"));
  EXPECT_TRUE(prints(run({.argv = {"/usr/bin/tar", "-xOf", archive}, .env = env}), "old\n"));
  make_directory("in/dir");
  write_file("in/dir/f", "new");
  const Result tar = run({.argv = {"/usr/bin/tar", "-C", path("in"), "-czf", "-", "."}, .env = env});
  EXPECT_TRUE(prints(myct({"cp", "-", "web:/"}, tar.out), ""));
  EXPECT_EQ(read_file(upper("/dir/f")), "new");
  EXPECT_TRUE(fails_with(myct({"cp", "-", "web:/file"}, tar.out), 1, "'web:/file' must be a directory"));
  EXPECT_TRUE(fails_with(myct({"cp", "-", "web:/nothing"}, tar.out), 1, "'web:/nothing' must be a directory"));
  EXPECT_TRUE(fails_with(myct({"cp", "-", "web:/"}, tar.out.substr(0, 60)), 1, "truncated"));
}

TEST_F(Copy, unpacks_a_stream_through_the_containers_links) {
  start(State::Stopped);
  make_directory("in/dirlink");
  write_file("in/dirlink/f", "new");
  const Result tar =
      run({.argv = {"/usr/bin/tar", "-C", path("in"), "-cf", "-", "dirlink/f"}, .env = {{"PATH", "/usr/bin:/bin"}}});
  EXPECT_TRUE(prints(myct({"cp", "-", "web:/"}, tar.out), ""));
  EXPECT_EQ(read_file(upper("/dir/f")), "new");
}

class CopyMounts : public Copy, public ::testing::WithParamInterface<State> {};

TEST_P(CopyMounts, see_volumes_and_respect_read_only_ones) {
  const std::string data = make_directory("data");
  const std::string fixed = make_directory("fixed");
  write_file("data/inside", "volume");
  start(GetParam(), {"-v", data + ":/data", "-v", fixed + ":/fixed:ro"});
  const std::string file = write_file("f", "new");
  EXPECT_TRUE(prints(cp({file, "web:/data"}), ""));
  EXPECT_EQ(read_file(data + "/f"), "new");
  EXPECT_TRUE(prints(cp({"web:/data/inside", path("out")}), ""));
  EXPECT_EQ(read_file(path("out")), "volume");
  EXPECT_TRUE(fails_with(cp({file, "web:/fixed"}), 1, "Read-only file system"));
  EXPECT_TRUE(fs::is_empty(fixed));
}

TEST_P(CopyMounts, respect_a_read_only_root) {
  start(GetParam(), {"--read-only"}, "true");
  EXPECT_TRUE(fails_with(cp({write_file("f", "new"), "web:/tmp"}), 1, "Read-only file system"));
}

INSTANTIATE_TEST_SUITE_P(, CopyMounts, ::testing::Values(State::Running, State::Stopped),
                         [](const auto& state) { return state.param == State::Running ? "running" : "stopped"; });

TEST_F(Copy, keeps_out_of_proc_and_sys) {
  start(State::Running, {}, "ln -s /proc/sys /knobs && ln -s /proc/self/root /magic");
  const std::string file = write_file("f", "1");
  for (const char* place : {"web:/proc/sys/kernel/hostname", "web:/sys", "web:/knobs"})
    EXPECT_TRUE(fails_with(cp({file, place}), 1, "a view of the kernel")) << place;
  for (const char* place : {"web:/proc/version", "web:/proc", "web:/knobs/kernel/hostname"})
    EXPECT_TRUE(fails_with(cp({place, path("out")}), 1, "a view of the kernel")) << place;
  EXPECT_NE(cp({"web:/magic/etc/passwd", path("out")}).status, 0);
  // Of the whole tree, the mount points come along, empty.
  EXPECT_EQ(cp({"web:/", path("all")}).status, 0);
  EXPECT_TRUE(fs::is_empty(path("all/proc")));
  EXPECT_TRUE(fs::exists(path("all/bin/busybox")));
}

TEST_F(Copy, leaves_a_container_that_ended_as_it_was) {
  start(State::Stopped);
  EXPECT_TRUE(prints(cp({write_file("f", "new"), "web:/dir"}), ""));
  EXPECT_THAT(myct({"ps", "-a"}).out, HasSubstr("Exited (0)"));
  EXPECT_TRUE(prints(myct({"rm", "web"}), "web\n"));
}

}  // namespace
}  // namespace myct::test
