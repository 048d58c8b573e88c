#ifndef TWEEDIE_CLIENT_CLI_EVALUATION_CELLS_H_
#define TWEEDIE_CLIENT_CLI_EVALUATION_CELLS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/cli/evaluation/plan.h"
#include "tweedie/v1/tweedie_service.pb.h"

namespace tweedie::cli {

// One job of an evaluation.
struct Cell {
  std::string method;  // names of the plan
  std::string forward_operator;
  std::string noise;  // `0.05`, or `poisson 30`
  // With a job id that follows from its content: the same cell is the same job,
  // however often the evaluation is run.
  v1::CreateJobRequest request;
};

// What belongs to a problem rather than to a method: `box, noise 0.05`.
std::string ProblemOf(const Cell& cell);

// A job for each method, operator and noise level, the problems one after the
// other. `files` are the image files, of which `plan` takes the first ones, and
// `model` is the model's name. INVALID_ARGUMENT names the method or operator
// whose options are wrong.
absl::StatusOr<std::vector<Cell>> MakeCells(const EvaluationPlan& plan,
                                            const std::vector<std::string>& files,
                                            const std::string& model);

}  // namespace tweedie::cli

#endif  // TWEEDIE_CLIENT_CLI_EVALUATION_CELLS_H_
