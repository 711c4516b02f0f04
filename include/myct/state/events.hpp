// What happens to containers and images, told as it happens: one JSON object a line, appended by whoever makes it
// happen.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "myct/state/paths.hpp"
#include "myct/state/record.hpp"

namespace myct::state {

/// Appends an event of the container: `action` is Docker's word ("create", "start", "die", "oom", "kill", "stop",
/// "destroy", ...), `attributes` come on top of the container's name, image and labels. Telling must not fail what is
/// told: an error is logged at debug level. The file is bounded; see docs/files.md.
void append_event(const Paths& paths, const Record& record, std::string_view action,
                  const std::map<std::string, std::string>& attributes = {}) noexcept;

/// The same by the id alone: the record is read for it. A record that cannot be read means no event.
void append_event(const Paths& paths, std::string_view id, std::string_view action,
                  const std::map<std::string, std::string>& attributes = {}) noexcept;

/// Appends an event of an image: `action` is Docker's word ("pull", "push", "tag", "untag", "delete", "import", "load",
/// "save"), `id` the image's, or its name where a registry has a part in it; `attributes` hold its name and labels. The
/// rest is as above.
void append_image_event(const Paths& paths, std::string_view id, std::string_view action,
                        const std::map<std::string, std::string>& attributes) noexcept;

/// The events as the lines that are appended, in the form of docker events --format json.
[[nodiscard]] std::string event_line(const Record& record, std::string_view action,
                                     const std::map<std::string, std::string>& attributes, SystemTime time);
[[nodiscard]] std::string image_event_line(std::string_view id, std::string_view action,
                                           const std::map<std::string, std::string>& attributes, SystemTime time);

}  // namespace myct::state
