// Telling what happens to containers and images, and what happened since the boot.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "myct/base/fd.hpp"
#include "myct/base/units.hpp"
#include "myct/manager/request.hpp"

namespace myct::manager {

struct EventsRequest {
  std::optional<SystemTime> since;  ///< without it, only what happens from now on
  std::optional<SystemTime> until;  ///< without it, for ever
  /// Values by key: "container" (name or id), "event", "image", "label" ("key" or "key=value"), "type". One value of
  /// each key must fit, and every label.
  std::map<std::string, std::vector<std::string>> filters;
  std::optional<FdRef> reader;  ///< a pipe or terminal; that nobody reads it any more ends the watch
};

/// Hands each event's line to `sink` as it happens, by inotify(7) and without polling: one JSON object in the form of
/// docker events --format json. Returns at `until`, when the sink returns false, or when the
/// reader is gone. Throws Error.
void watch_events(const Context& context, const EventsRequest& request,
                  const std::function<bool(std::string_view line)>& sink);

}  // namespace myct::manager
