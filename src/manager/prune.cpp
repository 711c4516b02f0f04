#include "myct/manager/prune.hpp"

#include <algorithm>

#include "myct/base/error.hpp"
#include "myct/base/log.hpp"
#include "myct/manager/inspect.hpp"
#include "steps.hpp"

namespace myct::manager {
namespace {

bool is_meant(const ContainerSummary& container, const PruneRequest& request) {
  const state::Record& record = container.record;
  const auto has = [&](const std::string& wanted) { return state::has_label(record.labels, wanted); };
  return !state::is_active(container.status) && (!request.until || record.created < *request.until) &&
         std::all_of(request.labels.begin(), request.labels.end(), has) &&
         std::none_of(request.not_labels.begin(), request.not_labels.end(), has);
}

}  // namespace

PruneResult prune(const Context& context, const PruneRequest& request) {
  PruneResult result;
  for (const ContainerSummary& container : list_containers(context)) {
    if (!is_meant(container, request)) continue;
    try {
      const uint64_t written = measure_container(context, container.record).written;
      remove_container(context, container.record.id, RemoveRunning::Refuse, RemoveVolumes::No);
      result.ids.push_back(container.record.id);
      result.bytes += written;
    } catch (const Error& error) {
      // Started or removed by somebody else in this moment.
      log::debug("container {} is not removed: {}", container.record.id, error.what());
    }
  }
  return result;
}

}  // namespace myct::manager
