#include "relay_note.hpp"

#include <fcntl.h>

#include <algorithm>
#include <sstream>

#include "myct/base/error.hpp"
#include "myct/base/file.hpp"

namespace myct::network {
namespace {

constexpr const char* kNote = "relay";

/// The run directory does not outlive the boot: two numbers name a process for good.
std::string line_of(pid_t process) {
  const std::optional<ProcessIdentity> identity = identify(process);
  if (!identity) throw_error(ErrorKind::Internal, "process {}, which relays ports or is relayed for, is gone", process);
  return fmt::format("{} {}\n", identity->pid, identity->start_time);
}

std::optional<ProcessIdentity> take_process(std::istringstream& lines) {
  pid_t pid = 0;
  decltype(ProcessIdentity::start_time) start_time = 0;
  if (!(lines >> pid >> start_time) || pid <= 0) return std::nullopt;
  std::optional<ProcessIdentity> identity = identify(pid);
  return identity && identity->start_time == start_time ? identity : std::nullopt;
}

}  // namespace

void save_relay_note(const std::string& run_directory, pid_t relay, pid_t owner, pid_t init) {
  const Fd directory = open_path(run_directory, O_RDONLY | O_DIRECTORY);
  save_atomically(directory.ref(), kNote, line_of(relay) + line_of(owner) + line_of(init),
                  Durability::SurvivesProcessDeath);
}

std::optional<RelayNote> load_relay_note(const std::string& run_directory) {
  const std::optional<std::string> text = try_read_file(run_directory + "/" + kNote);
  if (!text) return std::nullopt;
  std::istringstream lines(*text);
  RelayNote note;
  note.relay = take_process(lines);
  note.owner = take_process(lines);
  note.init = take_process(lines);
  return note;
}

}  // namespace myct::network
