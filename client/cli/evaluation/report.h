#ifndef TWEEDIE_CLIENT_CLI_EVALUATION_REPORT_H_
#define TWEEDIE_CLIENT_CLI_EVALUATION_REPORT_H_

#include <optional>
#include <string>
#include <vector>

#include "client/cli/evaluation/cells.h"
#include "client/cli/evaluation/runner.h"
#include "client/cli/statistics.h"
#include "imaging/image.h"

namespace tweedie::cli {

// A cell and what came of it.
struct Outcome {
  Cell cell;
  CellResult result;
};

// The means over a cell's images.
struct Summary {
  Estimate psnr;
  Estimate ssim;
  Estimate lpips;
  Estimate residual;
  double seconds_per_image = 0;
};

Summary SummaryOf(const v1::Job& job);

// Outcomes of one operator and noise level, in the plan's order of methods.
struct Problem {
  std::string name;
  std::vector<const Outcome*> outcomes;  // into what GroupByProblem() was given
};
std::vector<Problem> GroupByProblem(const std::vector<Outcome>& outcomes);

// PSNR in dB of each picture of the measurement against the truth; nullopt where
// they differ in size or channels, or there are none.
std::optional<Estimate> MeasurementPsnr(const Problem& problem, const std::vector<Image>& truth);

// A row for each image of each cell.
std::string ResultsCsv(const std::vector<Outcome>& outcomes);

// A row for each cell: means, standard errors, and why there are none.
std::string SummaryCsv(const std::vector<Outcome>& outcomes);

// A Markdown table for each problem.
std::string ReportMarkdown(const std::vector<Outcome>& outcomes, const std::vector<Image>& truth);

}  // namespace tweedie::cli

#endif  // TWEEDIE_CLIENT_CLI_EVALUATION_REPORT_H_
