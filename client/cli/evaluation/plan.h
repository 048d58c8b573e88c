#ifndef TWEEDIE_CLIENT_CLI_EVALUATION_PLAN_H_
#define TWEEDIE_CLIENT_CLI_EVALUATION_PLAN_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace tweedie::cli {

// A method or an operator to be compared.
struct PlanEntry {
  std::string name;                    // in tables and plots
  std::string options;                 // of a method `dps --steps 100`, of an operator `--sr 4`
  std::optional<int> images;           // methods: fewer images than the others
  std::vector<std::string> operators;  // methods: only for those; all if empty
};

// Every method, for every operator, at every noise level. An operator whose
// options name its noise is taken at that level only.
struct EvaluationPlan {
  std::vector<PlanEntry> methods;
  std::vector<PlanEntry> operators;
  std::vector<double> noise = {0};
  int images = 16;
  uint64_t seed = 1;
};

// Reads a plan as
//   {"images": 16, "seed": 1, "noise": [0, 0.05],
//    "operators": [{"name": "box", "options": "--inpaint-box 8,8,16,16"}],
//    "methods": [{"name": "DPS", "options": "dps --steps 100", "images": 8,
//                 "operators": ["box"]}]}
// where a text alone is both name and options. INVALID_ARGUMENT names what is
// wrong, unknown keys included.
absl::StatusOr<EvaluationPlan> ParsePlan(const std::string& json);

// One whose name is its options, as typed.
PlanEntry EntryOf(const std::string& text);

// INVALID_ARGUMENT if there are no methods or operators, if names are used
// twice, or if a number is out of its range.
absl::Status CheckPlan(const EvaluationPlan& plan);

}  // namespace tweedie::cli

#endif  // TWEEDIE_CLIENT_CLI_EVALUATION_PLAN_H_
