#include "myct/spec/runtime_state.hpp"

#include "myct/base/json.hpp"

namespace myct::oci {

std::string lasting_state(const std::string& id, const std::string& bundle,
                          const std::map<std::string, std::string>& annotations) {
  json::Value value{{"ociVersion", kVersion}, {"id", id}, {"bundle", bundle}};
  json::write_unless_empty(value, "annotations", annotations);
  std::string text = value.dump();
  text.pop_back();
  return text;
}

std::string complete_state(const std::string& lasting_state, std::string_view status, pid_t pid) {
  std::string text = fmt::format("{},\"status\":\"{}\"", lasting_state, status);
  if (pid != 0) text += fmt::format(",\"pid\":{}", pid);
  return text + '}';
}

std::string container_process_state(const std::string& state, pid_t pid, const std::string& metadata) {
  json::Value value{
      {"ociVersion", kVersion}, {"fds", {"seccompFd"}}, {"pid", pid}, {"state", json::Value::parse(state)}};
  json::write_unless_empty(value, "metadata", metadata);
  return value.dump();
}

}  // namespace myct::oci
