#ifndef TWEEDIE_CLIENT_CLI_BATCH_RESULTS_H_
#define TWEEDIE_CLIENT_CLI_BATCH_RESULTS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "client/cpp/client.h"

namespace tweedie::cli {

// Where the results of an entry go.
struct ResultPlace {
  std::string folder;              // of the batch
  std::string name;                // of the entry
  std::vector<std::string> truth;  // image files shown beside them
};

// Fetches the images of a job that has succeeded into FOLDER/NAME, with job.json, as if
// by `--out`. The folder appears at once and whole. Nothing is fetched if it is there for
// this job; an error of a local file if it is there and is not.
absl::Status StoreResults(const Client& client, const v1::Job& job, const ResultPlace& place);

}  // namespace tweedie::cli

#endif  // TWEEDIE_CLIENT_CLI_BATCH_RESULTS_H_
