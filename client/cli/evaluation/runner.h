#ifndef TWEEDIE_CLIENT_CLI_EVALUATION_RUNNER_H_
#define TWEEDIE_CLIENT_CLI_EVALUATION_RUNNER_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/cli/evaluation/cells.h"
#include "client/cpp/client.h"
#include "imaging/image.h"
#include "tweedie/v1/job.pb.h"

namespace tweedie::cli {

// How good the estimates were after a step: means over the images.
struct CurvePoint {
  int step = 0;
  double psnr = 0;
};

// What came of a cell.
struct CellResult {
  v1::Job job;          // as it ended; unset if it was refused
  std::string refusal;  // why the server refused it, or ""
  std::vector<CurvePoint> curve;
  std::vector<Image> results;
  std::vector<Image> measured;  // may be empty
};

// Runs cells and keeps what came of them in a folder, each under its job's id:
// a cell whose result is there is not run again. Thread-safe as Client is.
class CellRunner {
 public:
  using OnProgress = std::function<void(const v1::Job::State&, const v1::Progress&)>;

  // `client` must outlive it.
  CellRunner(const Client* client, std::string folder);

  // Finds the result in the folder, or the job on the server, or creates the
  // job; then watches it to its end. A job that had failed or been cancelled is
  // run anew. Errors are those of the client and of local files; a job that
  // fails now is a result.
  absl::StatusOr<CellResult> Run(const Cell& cell, const OnProgress& on_progress) const;

  // Whether the result is in the folder.
  bool Has(const Cell& cell) const;

 private:
  std::string FileOf(const Cell& cell, absl::string_view name) const;
  absl::StatusOr<v1::Job> FindOrCreate(const v1::CreateJobRequest& request) const;
  absl::StatusOr<CellResult> Follow(const v1::Job& job, const OnProgress& on_progress) const;
  absl::Status FetchPictures(CellResult* result) const;
  absl::Status Store(const Cell& cell, const CellResult& result) const;
  absl::Status StorePictures(const Cell& cell, absl::string_view prefix,
                             const std::vector<Image>& images) const;
  absl::StatusOr<CellResult> Load(const Cell& cell) const;
  absl::StatusOr<std::vector<Image>> LoadPictures(const Cell& cell, absl::string_view prefix) const;

  const Client* const client_;
  const std::string folder_;
};

}  // namespace tweedie::cli

#endif  // TWEEDIE_CLIENT_CLI_EVALUATION_RUNNER_H_
