// `myct logs`: which log, and whether somebody still writes to it.
#include "myct/manager/logs.hpp"

#include <unistd.h>

#include "myct/base/error.hpp"
#include "steps.hpp"

namespace myct::manager {
namespace {

[[noreturn]] void throw_unreadable(const state::Record& record, std::string hint) {
  throw Error(ErrorKind::Unsupported,
              fmt::format("logs of '{}': the log driver '{}' does not support reading", record.name,
                          state::driver_word(record.log.driver)),
              0, std::move(hint));
}

void check_readable(const Context& context, const ContainerSummary& container) {
  const state::Record& record = container.record;
  switch (record.log.driver) {
    case state::LogDriver::JsonFile:
      break;
    case state::LogDriver::None:
      throw_unreadable(record, "its output is not kept");
    case state::LogDriver::Journald:
      throw_unreadable(record, "use 'journalctl CONTAINER_ID_FULL=" + record.id + "'");
    case state::LogDriver::Passthrough:
      throw_unreadable(record, "its output went to where it was started");
  }
  if (wrote_elsewhere(context, container))
    throw Error(ErrorKind::Unsupported, fmt::format("logs of '{}': it was run in the foreground", record.name), 0,
                "its output went to where that was; run it with -d, or with --log-driver json-file");
}

}  // namespace

bool wrote_elsewhere(const Context& context, const ContainerSummary& container) {
  const bool supervised = container.run && container.run->supervised;
  const bool failed = container.record.outcome && !container.record.outcome->error.empty();
  return container.record.started_at && !supervised && !failed &&
         !supervisor::has_log(context.paths.container(container.record.id));
}

void print_logs(const Context& context, const std::string& reference, const supervisor::LogsRequest& request) {
  const std::string id = find_container(context, reference);
  const std::optional<ContainerSummary> container = summarize(context, id);
  if (!container)
    throw Error(ErrorKind::NotFound, fmt::format("no such container: '{}'", reference), 0, "see 'myct ps -a'");
  check_readable(context, *container);
  std::optional<Fd> writer;
  if (request.follow && container->run && container->run->supervised) writer = open_process(container->run->owner);
  supervisor::print_logs(context.paths.container(id), request, writer ? &*writer : nullptr, FdRef(STDOUT_FILENO),
                         FdRef(STDERR_FILENO));
}

}  // namespace myct::manager
