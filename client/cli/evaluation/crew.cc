#include "client/cli/evaluation/crew.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/cli/in_parallel.h"
#include "client/cli/job_text.h"
#include "client/cli/metrics_text.h"
#include "client/cli/progress_text.h"
#include "core/base/status_macros.h"

namespace tweedie::cli {

absl::StatusOr<std::vector<Outcome>> Crew::RunAll(std::vector<Cell> cells, int parallel) {
  for (Cell& cell : cells) outcomes_.push_back({std::move(cell), {}});
  const absl::Status status =
      InParallel(outcomes_.size(), parallel, [this](size_t index) { return Work(index); });
  session_->terminal().Clear();
  RETURN_IF_ERROR(status);
  return std::move(outcomes_);
}

absl::Status Crew::Work(size_t index) {
  ASSIGN_OR_RETURN(outcomes_[index].result, RunOne(index));
  TellOutcome(index);
  return absl::OkStatus();
}

absl::StatusOr<CellResult> Crew::RunOne(size_t index) const {
  const Cell& cell = outcomes_[index].cell;
  Terminal& terminal = session_->terminal();
  if (!runner_->Has(cell) && !terminal.can_redraw()) session_->Note(Heading(index));
  return runner_->Run(cell, [&](v1::Job::State state, const v1::Progress& progress) {
    ProgressFacts facts;
    facts.state = state;
    facts.progress = progress;
    terminal.Redraw(absl::StrCat(Heading(index), ": ", ProgressText(facts)));
  });
}

void Crew::TellOutcome(size_t index) const {
  const CellResult& result = outcomes_[index].result;
  const std::string outcome =
      !result.refusal.empty() ? absl::StrCat("refused: ", result.refusal) : OutcomeText(result.job);
  const std::string means = MeansText(result.job.metrics());
  session_->Note(absl::StrCat(Heading(index), ": ", outcome, means.empty() ? "" : ", ", means));
}

std::string Crew::Heading(size_t index) const {
  const Cell& cell = outcomes_[index].cell;
  return absl::StrCat("[", index + 1, "/", outcomes_.size(), "] ", ProblemOf(cell), ": ",
                      cell.method);
}

}  // namespace tweedie::cli
