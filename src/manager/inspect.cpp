#include "myct/manager/inspect.hpp"

#include <fts.h>
#include <sys/stat.h>

#include <memory>
#include <set>

#include "inspect_json.hpp"
#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/cgroup/usage.hpp"
#include "steps.hpp"

namespace myct::manager {
namespace {

struct CloseTree {
  void operator()(FTS* tree) const noexcept { ::fts_close(tree); }
};

}  // namespace

uint64_t size_of_tree(std::string path) {
  char* const paths[] = {path.data(), nullptr};
  const std::unique_ptr<FTS, CloseTree> tree(::fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, nullptr));
  if (!tree) throw_errno("read directory '{}'", path);
  uint64_t size = 0;
  std::set<ino_t> linked;
  while (const FTSENT* entry = ::fts_read(tree.get())) {
    // The container may be changing it: what is gone by now has no size.
    if (entry->fts_info != FTS_F && entry->fts_info != FTS_SL && entry->fts_info != FTS_SLNONE) continue;
    const struct stat& status = *entry->fts_statp;
    if (status.st_nlink > 1 && !linked.insert(status.st_ino).second) continue;
    size += static_cast<uint64_t>(status.st_size);
  }
  return size;
}

int exit_code_of(const state::Record& record) noexcept {
  if (record.outcome) return record.outcome->exit_code;
  return record.started_at ? kUnknownExit : 0;
}

ContainerSize measure_container(const Context& context, const state::Record& record) {
  return {.written = size_of_tree(context.paths.container(record.id) + "/upper"),
          .image = image::unpacked_size(context.paths, record.image_id)};
}

std::optional<nlohmann::ordered_json> try_inspect_container(const Context& context, const std::string& reference,
                                                            WithSize size) {
  std::string id;
  try {
    id = find_container(context, reference);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::NotFound) throw;
    return std::nullopt;
  }
  std::optional<ContainerSummary> container = summarize(context, id);
  if (!container) return std::nullopt;
  state::LogConfig& log_config = container->record.log;
  // Its log driver is for its next start.
  if (log_config.driver == state::LogDriver::JsonFile && wrote_elsewhere(context, *container))
    log_config = {.driver = state::LogDriver::None};
  InspectInputs inputs{.container = *container,
                       .spec = std::nullopt,
                       .directory = context.paths.container(id),
                       .log_path = {},
                       .size = std::nullopt,
                       .presence = std::nullopt,
                       .network_ids = {}};
  if (container->run) inputs.oom_killed = cgroup::oom_kills(container->run->cgroup) > 0;
  if (state::is_active(container->status)) inputs.presence = network::load_presence(context.paths.run_container(id));
  for (const state::NetworkAttachment& attachment : container->record.settings.networks)
    inputs.network_ids[attachment.network] = network::network_id(network_directories(context, id), attachment.network);
  if (is_complete(context, id)) inputs.spec = load_spec(context, id);
  const std::string log = inputs.directory + "/log.json";
  if (container->record.log.driver == state::LogDriver::JsonFile && path_exists(log)) inputs.log_path = log;
  if (size == WithSize::Yes) inputs.size = measure_container(context, container->record);
  return build_container_document(inputs);
}

std::optional<nlohmann::ordered_json> try_inspect_image(const Context& context, const std::string& name) {
  const std::optional<image::ImageDetails> image = image::try_inspect(context.paths, name);
  if (!image) return std::nullopt;
  return build_image_document(*image);
}

}  // namespace myct::manager
