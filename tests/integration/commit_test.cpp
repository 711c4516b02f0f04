// Images of what containers have changed, and archives of their roots.
#include <unistd.h>

#include <fstream>

#include "detached.hpp"

namespace myct::test {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class Commit : public DetachedTest {
 protected:
  /// A container that has ended, with what the script has changed.
  void change(const std::string& script, Words options = {}) const {
    Words words = {"run", "--name", "web"};
    words.insert(words.end(), options.begin(), options.end());
    words.insert(words.end(), {"busybox", "sh", "-c", script});
    const Result result = myct(words);
    EXPECT_EQ(result.status, 0) << result;
  }
  void commit(Words words = {}) const {
    words.insert(words.begin(), "commit");
    words.insert(words.end(), {"web", "changed"});
    const Result result = myct(words);
    EXPECT_EQ(result.status, 0) << result;
    EXPECT_THAT(result.out, StartsWith("sha256:"));
  }
  [[nodiscard]] std::string in_image(const std::string& script, const std::string& image = "changed") const {
    const Result result = myct({"run", "--rm", image, "sh", "-c", script});
    EXPECT_EQ(result.status, 0) << result;
    return result.out;
  }
  [[nodiscard]] std::string configured(const std::string& field) const {
    return myct({"image", "inspect", "-f", "{{json .Config." + field + "}}", "changed"}).out;
  }
};

TEST_F(Commit, keeps_what_was_made_changed_and_deleted) {
  change(
      "mkdir /new && echo one >/new/file && chown 5:6 /new/file && chmod 4750 /new/file && ln /new/file /new/hard && "
      "ln -s file /new/link && mkfifo /new/fifo && rm /etc/passwd && chmod 700 /etc && touch -d @1000 /new/file");
  commit();
  EXPECT_EQ(
      in_image("cat /new/link; stat -c '%a %u:%g %h %Y' /new/file; readlink /new/link; [ -p /new/fifo ] && echo fifo; "
               "[ -e /etc/passwd ] || echo gone; stat -c %a /etc; stat -c %i /new/file /new/hard | uniq | wc -l"),
      "one\n4750 5:6 2 1000\nfile\nfifo\ngone\n700\n1\n");
  EXPECT_EQ(in_image("ls /new 2>/dev/null; ls /etc/passwd", "busybox"), "/etc/passwd\n");
  remove("web");
}

TEST_F(Commit, hides_a_directory_that_was_made_anew) {
  change("mkdir /anew && echo 1 >/anew/one && mkdir /anew/below");
  commit();
  remove("web");
  EXPECT_EQ(
      myct({"run", "--name", "web", "changed", "sh", "-c", "rm -r /anew && mkdir /anew && echo >/anew/this"}).status,
      0);
  EXPECT_EQ(myct({"commit", "web", "again"}).status, 0);
  EXPECT_EQ(in_image("ls /anew", "again"), "this\n");
  remove("web");
}

TEST_F(Commit, can_go_on_from_what_was_committed) {
  change("echo 1 >/one; echo 0 >/both");
  commit();
  remove("web");
  EXPECT_EQ(myct({"run", "--name", "web", "changed", "sh", "-c", "echo 2 >/two; rm /both"}).status, 0);
  EXPECT_EQ(myct({"commit", "web", "again"}).status, 0);
  EXPECT_EQ(in_image("cat /one /two; ls /both 2>/dev/null; true", "again"), "1\n2\n");
  EXPECT_EQ(myct({"image", "inspect", "-f", "{{len .RootFS.Layers}}", "again"}).out, "3\n");
  remove("web");
}

TEST_F(Commit, gives_new_volumes_and_users_what_all_layers_have_together) {
  change("echo 1 >/srv/one && echo 2 >/srv/two && echo 'me:x:5:6::/:/bin/sh' >>/etc/passwd");
  commit();
  remove("web");
  EXPECT_EQ(
      myct({"run", "--name", "web", "changed", "sh", "-c", "rm /srv/one; echo 3 >/srv/three; chmod 700 /srv"}).status,
      0);
  EXPECT_EQ(myct({"commit", "web", "again"}).status, 0);
  remove("web");
  EXPECT_TRUE(prints(myct({"run", "--rm", "-v", "/srv", "again", "sh", "-c", "ls /srv; stat -c %a /srv"}),
                     "three\ntwo\n700\n"));
  EXPECT_TRUE(prints(myct({"run", "--rm", "-u", "me", "again", "id", "-u"}), "5\n"));
  EXPECT_EQ(myct({"run", "--name", "web", "again", "rm", "/etc/passwd"}).status, 0);
  EXPECT_EQ(myct({"commit", "web", "again"}).status, 0);
  EXPECT_TRUE(fails_with(myct({"run", "--rm", "-u", "me", "again", "id"}), 125, "unable to find user 'me'"));
  remove("web");
}

TEST_F(Commit, takes_the_containers_configuration_and_changes_it) {
  change("true", {"-e", "A=1", "-w", "/tmp", "-u", "5:6", "-l", "color=red", "--expose", "80"});
  commit({"-c", "ENV B=two", "-c", R"(CMD ["echo", "hello"])", "-c", "ENTRYPOINT []", "-a", "somebody", "-m", "why"});
  EXPECT_TRUE(prints(myct({"run", "--rm", "changed"}), "hello\n"));
  EXPECT_EQ(in_image("echo $A $B; pwd; id -u; id -g"), "1 two\n/tmp\n5\n6\n");
  EXPECT_EQ(configured("Labels"), "{\"color\":\"red\"}\n");
  EXPECT_EQ(configured("ExposedPorts"), "{\"80/tcp\":{}}\n");
  EXPECT_THAT(configured("Env"), AllOf(HasSubstr("A=1"), Not(HasSubstr("HOSTNAME")), Not(HasSubstr("HOME"))));
  EXPECT_EQ(myct({"image", "inspect", "-f", "{{.Author}}", "changed"}).out, "somebody\n");
  EXPECT_THAT(lines_of(myct({"history", "--format", "{{.Comment}}", "changed"}).out), Contains("why"));
  remove("web");
}

TEST_F(Commit, leaves_out_what_is_mounted) {
  change("echo secret >/data/file; echo here >/file", {"-v", "/data", "--tmpfs", "/scratch"});
  commit();
  EXPECT_EQ(in_image("cat /file; ls /data/file 2>/dev/null; true"), "here\n");
  EXPECT_EQ(myct({"rm", "-v", "web"}).status, 0);
}

TEST_F(Commit, works_on_a_container_that_runs_and_goes_on) {
  start("web", "echo now >/file; echo ready; while :; do sleep 0.1; done");
  ASSERT_TRUE(logs("web", "ready\n"));
  commit();
  commit({"-p=false"});
  EXPECT_EQ(in_image("cat /file"), "now\n");
  EXPECT_THAT(status_of("web"), AllOf(StartsWith("Up "), Not(HasSubstr("Paused"))));
  remove("web");
}

TEST_F(Commit, of_an_unchanged_container_has_no_layer_more) {
  change("true");
  commit({"-m", "nothing"});
  EXPECT_EQ(myct({"image", "inspect", "-f", "{{len .RootFS.Layers}}", "changed"}).out, "1\n");
  remove("web");
}

TEST_F(Commit, refuses_bad_words_and_leaves_nothing) {
  change("true");
  EXPECT_TRUE(fails_with(myct({"commit", "none", "changed"}), 1, "no such container: 'none'"));
  EXPECT_TRUE(fails_with(myct({"commit", "web", "Changed"}), 1, "Changed"));
  EXPECT_TRUE(fails_with(myct({"commit", "-c", "RUN make", "web", "changed"}), 125, "invalid change 'RUN make'"));
  EXPECT_THAT(myct({"images", "--format", "{{.Repository}}"}).out, Not(HasSubstr("changed")));
  remove("web");
}

TEST_F(Commit, exports_a_root_that_can_be_imported) {
  change("echo one >/file; ln -s file /link; rm /etc/passwd; echo in >/data/volume", {"-v", "/data"});
  const std::string archive = path("root.tar");
  EXPECT_TRUE(prints(myct({"export", "-o", archive, "web"}), ""));
  EXPECT_EQ(myct({"import", "-c", "CMD cat /link", "-m", "from an export", archive, "changed"}).status, 0);
  EXPECT_TRUE(prints(myct({"run", "--rm", "changed"}), "one\n"));
  EXPECT_EQ(in_image("ls /etc/passwd /data/volume 2>/dev/null; [ -d /data ] && [ -d /proc/1 ] && echo there; true"),
            "there\n");
  EXPECT_THAT(lines_of(myct({"history", "--format", "{{.Comment}}", "changed"}).out), Contains("from an export"));
  EXPECT_EQ(myct({"rm", "-v", "web"}).status, 0);
}

TEST_F(Commit, exports_a_container_that_runs_to_a_pipe) {
  start("web", "echo now >/file; echo ready; while :; do sleep 0.1; done");
  ASSERT_TRUE(logs("web", "ready\n"));
  const Result piped = myct({"export", "web"});
  EXPECT_EQ(piped.status, 0) << piped.err;
  std::ofstream(path("root.tar"), std::ios::binary) << piped.out;
  const std::vector<std::string> names =
      lines_of(run({.argv = {"/usr/bin/tar", "-tf", path("root.tar")}, .env = {{"PATH", "/usr/bin:/bin"}}}).out);
  EXPECT_THAT(names, AllOf(Contains("./file"), Contains("./proc/"), Not(Contains(StartsWith("./proc/1")))));
  remove("web");
}

}  // namespace
}  // namespace myct::test
