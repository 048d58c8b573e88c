#include "client/cli/evaluation/crew.h"

#include <string>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/cli/job_text.h"
#include "client/cli/metrics_text.h"
#include "client/cli/progress_text.h"

namespace tweedie::cli {

absl::StatusOr<std::vector<Outcome>> Crew::RunAll(std::vector<Cell> cells, int parallel) {
  for (Cell& cell : cells) outcomes_.push_back({std::move(cell), {}});
  std::vector<std::thread> others;
  for (int i = 1; i < parallel; ++i) others.emplace_back([this] { Work(); });
  Work();
  for (std::thread& thread : others) thread.join();
  session_->terminal().Clear();
  absl::MutexLock lock(&mu_);
  if (!error_.ok()) return error_;
  return std::move(outcomes_);
}

void Crew::Work() {
  size_t index;
  while (Take(&index)) {
    absl::StatusOr<CellResult> result = RunOne(index);
    if (result.ok()) {
      outcomes_[index].result = *std::move(result);
      TellOutcome(index);
      continue;
    }
    absl::MutexLock lock(&mu_);
    error_.Update(result.status());
  }
}

bool Crew::Take(size_t* index) {
  absl::MutexLock lock(&mu_);
  if (!error_.ok() || next_ == outcomes_.size()) return false;
  *index = next_++;
  return true;
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
