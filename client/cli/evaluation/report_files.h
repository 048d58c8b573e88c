#ifndef TWEEDIE_CLIENT_CLI_EVALUATION_REPORT_FILES_H_
#define TWEEDIE_CLIENT_CLI_EVALUATION_REPORT_FILES_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "client/cli/evaluation/report.h"
#include "imaging/image.h"

namespace tweedie::cli {

// Writes into `folder`: results.csv, summary.csv, report.md with its tables and
// links to psnr.svg and, for each problem, to steps-PROBLEM.svg and
// images-PROBLEM.png.
absl::Status WriteReport(const std::string& folder, const std::vector<Outcome>& outcomes,
                         const std::vector<Image>& truth);

}  // namespace tweedie::cli

#endif  // TWEEDIE_CLIENT_CLI_EVALUATION_REPORT_FILES_H_
