// A health check as Docker's image configuration has it.
#pragma once

#include "myct/base/json.hpp"
#include "myct/spec/healthcheck.hpp"

namespace myct::oci {

/// The member "Healthcheck" of `config`, if it is there. Throws Error{Invalid}.
[[nodiscard]] std::optional<Healthcheck> read_healthcheck(const json::Value& config);
/// Writes it, if there is one.
void write_healthcheck(json::Value& config, const std::optional<Healthcheck>& check);

}  // namespace myct::oci
