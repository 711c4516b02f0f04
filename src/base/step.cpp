#include "myct/base/step.hpp"

#include <array>

namespace myct {
namespace {

struct StepRow {
  std::string_view name;
  std::string_view text;
};

constexpr std::array kSteps = {
#define MYCT_STEP_ROW(name, text) StepRow{#name, text},
    MYCT_STEPS(MYCT_STEP_ROW)
#undef MYCT_STEP_ROW
};

const StepRow& row(Step step) noexcept {
  const auto index = static_cast<size_t>(step);
  return kSteps[index < kSteps.size() ? index : 0];
}

}  // namespace

std::string_view step_text(Step step) noexcept { return row(step).text; }
std::string_view step_name(Step step) noexcept { return row(step).name; }

std::optional<Step> step_from_name(std::string_view name) noexcept {
  for (size_t index = 0; index < kSteps.size(); ++index)
    if (kSteps[index].name == name) return static_cast<Step>(index);
  return std::nullopt;
}

}  // namespace myct
