#include "client/cli/batch/crew.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "client/cli/batch/results.h"
#include "client/cli/in_parallel.h"
#include "client/cli/job_text.h"
#include "client/cli/json.h"
#include "client/cli/local_file.h"
#include "client/cpp/rpc_status.h"
#include "core/base/status_macros.h"

namespace tweedie::cli {
namespace {

constexpr absl::Duration kLineInterval = absl::Seconds(10);  // where lines cannot be redrawn

// Whether an error of CreateJob is about the job, not about the server or the caller. A
// request that gRPC finds too large has no reason of ours.
bool IsRefusal(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kFailedPrecondition:  // a file of the command line among them
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kOutOfRange:
    case absl::StatusCode::kUnimplemented:
      return true;
    case absl::StatusCode::kResourceExhausted:
      return ReasonOf(status).empty();
    default:
      return false;
  }
}

std::string Explain(const absl::Status& refusal) {
  if (!absl::IsAlreadyExists(refusal)) return std::string(refusal.message());
  return "its command line or its files have changed since it was submitted";
}

}  // namespace

BatchCrew::BatchCrew(Session* session, Journal* journal, BatchWork work)
    : session_(session), journal_(journal), work_(std::move(work)), start_(absl::Now()) {
  absl::MutexLock lock(&mu_);
  tally_.done = work_.already_done;
  tally_.failed = work_.already_failed;
  tally_.total = static_cast<int>(work_.jobs.size()) + tally_.done + tally_.failed;
  last_line_ = start_;
}

absl::StatusOr<Tally> BatchCrew::RunAll(int in_flight) {
  if (!work_.detach) board_.emplace(&session_->patient_client(), work_.marks.key);
  absl::StatusOr<Tally> tally = ForAll(in_flight, &BatchCrew::RunOne);
  session_->EndCalls();  // that of the board
  board_.reset();
  return tally;
}

absl::StatusOr<Tally> BatchCrew::CheckAll(int in_flight) {
  return ForAll(in_flight, &BatchCrew::CheckOne);
}

absl::StatusOr<Tally> BatchCrew::ForAll(int in_flight, Each each) {
  const absl::Status status = InParallel(
      work_.jobs.size(), in_flight,
      [&](size_t index) {
        AddInFlight(1);
        const absl::Status done = (this->*each)(index);
        AddInFlight(-1);
        return done;
      },
      [&] { session_->EndCalls(); });  // the others wait in theirs
  session_->terminal().Clear();
  RETURN_IF_ERROR(status);
  absl::MutexLock lock(&mu_);
  return tally_;
}

void BatchCrew::AddInFlight(int count) {
  absl::MutexLock lock(&mu_);
  tally_.in_flight += count;
}

absl::StatusOr<v1::Job> BatchCrew::Create(size_t index, bool validate_only) const {
  ASSIGN_OR_RETURN(v1::CreateJobRequest request,
                   MakeRequest(work_.jobs[index], work_.marks, work_.attempts[index]));
  request.set_validate_only(validate_only);
  return session_->patient_client().CreateJob(std::move(request));
}

absl::Status BatchCrew::RunOne(size_t index) {
  const BatchJob& job = work_.jobs[index];
  const absl::StatusOr<v1::Job> created = Create(index, /*validate_only=*/false);
  const int attempt = work_.attempts[index];
  if (IsDeletion(created.status(), RequestIdOf(job.entry, work_.marks, attempt))) {
    return Fail(index, "", created.status().message());
  }
  if (IsRefusal(created.status())) return Refuse(index, created.status());
  RETURN_IF_ERROR(created.status());
  RETURN_IF_ERROR(journal_->Submitted(job.entry, attempt, created->name()));
  session_->Detail(absl::StrCat(job.entry.name, " is ", created->name()));
  if (!work_.detach) return Finish(index, created->name());
  Count(&Tally::submitted);
  return absl::OkStatus();
}

absl::Status BatchCrew::CheckOne(size_t index) {
  const BatchJob& job = work_.jobs[index];
  const absl::StatusOr<v1::Job> checked = Create(index, /*validate_only=*/true);
  if (checked.ok()) return absl::OkStatus();
  if (!IsRefusal(checked.status())) return checked.status();
  session_->Warn(absl::StrCat(job.entry.name, " refused: ", Explain(checked.status())));
  Count(&Tally::refused);
  return absl::OkStatus();
}

absl::Status BatchCrew::Finish(size_t index, const std::string& name) {
  const absl::StatusOr<v1::Job> ended = board_->WaitForEnd(name);
  if (absl::IsNotFound(ended.status())) return Fail(index, name, ended.status().message());
  RETURN_IF_ERROR(ended.status());
  if (ended->state() != v1::Job::SUCCEEDED) return Fail(index, name, OutcomeText(*ended));
  return Keep(index, *ended);
}

absl::Status BatchCrew::Keep(size_t index, const v1::Job& ended) {
  const BatchJob& job = work_.jobs[index];
  const absl::Status stored = StoreResults(session_->patient_client(), ended,
                                           {work_.folder, job.entry.name, job.task->truth()});
  // Its results are lost; those of others need not be.
  if (absl::IsNotFound(stored) || absl::IsDataLoss(stored)) {
    return Fail(index, ended.name(), stored.message());
  }
  RETURN_IF_ERROR(stored);
  RETURN_IF_ERROR(journal_->Done(job.entry, ended.name()));
  if (session_->json()) session_->Result(ToJson(ended));
  Count(&Tally::done);
  return absl::OkStatus();
}

absl::Status BatchCrew::Fail(size_t index, const std::string& name, absl::string_view why) {
  const BatchEntry& entry = work_.jobs[index].entry;
  session_->Warn(absl::StrCat(entry.name, " failed: ", why));
  Count(&Tally::failed);
  return journal_->Failed(entry, work_.attempts[index], name, why);
}

absl::Status BatchCrew::Refuse(size_t index, const absl::Status& refusal) {
  const BatchEntry& entry = work_.jobs[index].entry;
  const std::string why = Explain(refusal);
  session_->Warn(absl::StrCat(entry.name, " refused: ", why));
  Count(&Tally::refused);
  return journal_->Refused(entry, work_.attempts[index], why);
}

void BatchCrew::Count(int Tally::*what) {
  std::string line;
  bool print = false;
  {
    absl::MutexLock lock(&mu_);
    ++(tally_.*what);
    const absl::Time now = absl::Now();
    const int before = work_.already_done + work_.already_failed;
    line = TallyLine(tally_, EndedOf(tally_) - before, now - start_);
    print = now - last_line_ >= kLineInterval;
    if (print) last_line_ = now;
  }
  if (session_->terminal().can_redraw()) {
    session_->terminal().Redraw(line);
  } else if (print) {
    session_->Note(line);
  }
}

}  // namespace tweedie::cli
