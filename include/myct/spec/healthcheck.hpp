// How a container is asked whether its program is well: the member "Healthcheck" of Docker's image configuration, which
// OCI's specification has left out and images carry all the same.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace myct::oci {

/// A time or number of 0 is one that nobody has chosen.
struct Healthcheck {
  std::vector<std::string> test;  ///< "NONE"; "CMD" and a command; "CMD-SHELL" and a shell's; empty: not chosen
  std::chrono::nanoseconds interval{0};
  std::chrono::nanoseconds timeout{0};
  std::chrono::nanoseconds start_period{0};
  std::chrono::nanoseconds start_interval{0};
  int retries = 0;
  std::vector<std::string> shell = {};  ///< of a container's: what runs "CMD-SHELL"; empty: /bin/sh -c
  bool operator==(const Healthcheck&) const = default;
};

/// The least time that one of them may be, as Docker has it.
constexpr std::chrono::milliseconds kLeastHealthTime{1};

/// What the user has not chosen is as the image has it, member by member. Pure.
[[nodiscard]] std::optional<Healthcheck> merge(std::optional<Healthcheck> user,
                                               const std::optional<Healthcheck>& image);
/// The command that the test consists of; empty when there is nothing to run. Pure.
[[nodiscard]] std::vector<std::string> command_of(const Healthcheck& check);
/// With Docker's defaults in place of what nobody has chosen: 30s, 30s, no start period, 5s, three retries. Pure.
[[nodiscard]] Healthcheck with_defaults(Healthcheck check);

}  // namespace myct::oci
