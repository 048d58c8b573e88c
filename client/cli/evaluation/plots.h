#ifndef TWEEDIE_CLIENT_CLI_EVALUATION_PLOTS_H_
#define TWEEDIE_CLIENT_CLI_EVALUATION_PLOTS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/cli/evaluation/report.h"
#include "imaging/image.h"

namespace tweedie::cli {

// PSNR of every method, problem by problem, as an SVG file; "" if there is none.
std::string PsnrByMethodSvg(const std::vector<Outcome>& outcomes);

// PSNR of the estimate against the part of the steps made, one line a method;
// "" if there is none.
std::string PsnrByStepSvg(const Problem& problem);

// A PNG file of the first images: a row of truths, one of measurements (if they
// have pictures), and one for each method that has results. "" if none has.
absl::StatusOr<std::string> ComparisonPng(const Problem& problem, const std::vector<Image>& truth);

// What the rows of that file show, from the top.
std::vector<std::string> ComparisonRows(const Problem& problem);

// `name` as a part of a file's name: [a-z0-9.-].
std::string FileStem(const std::string& name);

}  // namespace tweedie::cli

#endif  // TWEEDIE_CLIENT_CLI_EVALUATION_PLOTS_H_
