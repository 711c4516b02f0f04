#include "detached.hpp"

namespace myct::test {

std::string DetachedTest::start_program(const std::string& name, const Words& words, const Words& options) const {
  Words all = {"run", "-d", "--name", name};
  all.insert(all.end(), options.begin(), options.end());
  all.emplace_back("busybox");
  all.insert(all.end(), words.begin(), words.end());
  const Result result = myct(all);
  EXPECT_EQ(result.status, 0) << result;
  EXPECT_THAT(result.out, ::testing::MatchesRegex("[0-9a-f]{64}\n"));
  return result.out.substr(0, result.out.find('\n'));
}

std::string DetachedTest::start(const std::string& name, const std::string& script, const Words& options) const {
  return start_program(name, {"sh", "-c", script}, options);
}

std::string DetachedTest::status_of(const std::string& name) const {
  const Result list = myct({"ps", "-a", "--format", "{{.Names}} {{.Status}}"});
  for (const std::string& line : lines_of(list.out))
    if (line.starts_with(name + " ")) return line.substr(name.size() + 1);
  return {};
}

bool DetachedTest::becomes(const std::string& name, const std::string& status) const {
  return eventually([&] { return status_of(name).starts_with(status); });
}

bool DetachedTest::logs(const std::string& name, const std::string& text) const {
  return eventually([&] { return myct({"logs", name}).out == text; });
}

void DetachedTest::remove(const std::string& name) const { EXPECT_TRUE(prints(myct({"rm", "-f", name}), name + "\n")); }

}  // namespace myct::test
