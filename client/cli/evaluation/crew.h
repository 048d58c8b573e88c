#ifndef TWEEDIE_CLIENT_CLI_EVALUATION_CREW_H_
#define TWEEDIE_CLIENT_CLI_EVALUATION_CREW_H_

#include <cstddef>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/cli/evaluation/report.h"
#include "client/cli/evaluation/runner.h"
#include "client/cli/session.h"

namespace tweedie::cli {

// Runs cells, several at a time, and tells how far they are.
class Crew {
 public:
  // Both must outlive it.
  Crew(Session* session, const CellRunner* runner) : session_(session), runner_(runner) {}

  // The outcomes in the order of `cells`. After an error no further cell is
  // begun, and the first error is returned. Blocks; call it once.
  absl::StatusOr<std::vector<Outcome>> RunAll(std::vector<Cell> cells, int parallel);

 private:
  absl::Status Work(size_t index);
  absl::StatusOr<CellResult> RunOne(size_t index) const;
  void TellOutcome(size_t index) const;
  std::string Heading(size_t index) const;

  Session* const session_;
  const CellRunner* const runner_;
  std::vector<Outcome> outcomes_;  // each element belongs to who took it
};

}  // namespace tweedie::cli

#endif  // TWEEDIE_CLIENT_CLI_EVALUATION_CREW_H_
