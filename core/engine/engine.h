#ifndef TWEEDIE_CORE_ENGINE_ENGINE_H_
#define TWEEDIE_CORE_ENGINE_ENGINE_H_

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "core/diffusion/denoiser.h"
#include "core/engine/batch.h"
#include "core/engine/frame_sink.h"
#include "core/engine/resident_job.h"
#include "core/engine/row_scheduler.h"
#include "core/methods/method.h"

namespace tweedie {

// Steps many jobs of one device together. Each StepOnce() packs rows that jobs
// wait for (of different methods, timesteps and lengths, but of one network)
// into one call, and advances the jobs whose rows are complete. Jobs join and
// leave between steps; a job with more rows than a batch is split over calls.
// Rows that need a gradient go into calls of their own, and count for what they
// cost, in the size of a call as in fairness. Where it is known what calls of a
// network cost, that decides how many rows they have (batch_sizes.h). One job's failure ends that
// job alone; see EvaluateBatch() (batch.h) for calls that fail or lack memory.
//
// A job may be submitted to be alone: the others then wait until it is done, or
// joins them.
//
// There is no thread inside: EngineThread owns one. Submit and Cancel are
// thread-safe and never wait for a step; all else belongs to the engine thread.
class Engine {
 public:
  struct Options {
    int max_batch_rows = 16;    // rows of one network call, at most
    int max_running_jobs = 32;  // jobs resident at a time
    // What a row with its gradient costs, in plain rows, as long as that is not
    // measured; at least 1. A call has at most max_batch_rows / cost of them, though
    // at least one, so that it takes no longer than a plain one.
    double gradient_row_cost = 2;
  };
  // `sink` outlives the engine.
  Engine(Options options, FrameSink* sink)
      : options_(options), sink_(sink), scheduler_(options.max_batch_rows) {}

  // The job takes part from the next step on. RESOURCE_EXHAUSTED when there is
  // no room, ALREADY_EXISTS for the id of a resident job.
  absl::Status Submit(EngineJob job) ABSL_LOCKS_EXCLUDED(mu_);
  // Takes effect before the job's next step. NOT_FOUND if it is not here.
  absl::Status Cancel(const JobId& id) ABSL_LOCKS_EXCLUDED(mu_);
  // Ends a job's being alone before its next step: the others go on. NOT_FOUND if
  // it is not here.
  absl::Status Join(const JobId& id) ABSL_LOCKS_EXCLUDED(mu_);
  // Whether the job was submitted and is not done.
  bool Has(const JobId& id) const ABSL_LOCKS_EXCLUDED(mu_);
  // Jobs submitted and not done.
  int num_jobs() const ABSL_LOCKS_EXCLUDED(mu_);

  // One batched evaluation. Returns false if there was no work.
  bool StepOnce() ABSL_LOCKS_EXCLUDED(mu_);
  // The rows that the last evaluation was begun with; 0 before the first.
  int64_t last_rows() const { return last_rows_; }
  // Takes all jobs out, as they were after their last whole step; the sink is
  // not told. For the drain, once StepOnce() is called no more.
  std::vector<EngineJob> Evict() ABSL_LOCKS_EXCLUDED(mu_);

 private:
  // Takes in what was submitted, then lets join and ends what was asked for.
  void Admit() ABSL_LOCKS_EXCLUDED(mu_);
  // Whose turn it is: one that is to be alone, or all.
  std::vector<ResidentJob*> Candidates();
  // What the scheduler is to know of the jobs.
  std::vector<RowScheduler::Waiting> Describe(const std::vector<ResidentJob*>& jobs) const;
  // Whose rows go into the next call; empty if nobody waits.
  std::vector<BatchPart> NextBatch();
  void AdmitJob(EngineJob job) ABSL_LOCKS_EXCLUDED(mu_);
  void EndJob(const JobId& id, const absl::Status& status) ABSL_LOCKS_EXCLUDED(mu_);
  // Advances `job` if all its rows are there, and reports.
  void AdvanceIfComplete(ResidentJob& job) ABSL_LOCKS_EXCLUDED(mu_);

  const Options options_;
  FrameSink* const sink_;
  // Of the engine thread.
  std::map<JobId, ResidentJob> resident_;
  RowScheduler scheduler_;
  int64_t last_rows_ = 0;

  mutable absl::Mutex mu_;
  std::vector<EngineJob> inbox_ ABSL_GUARDED_BY(mu_);
  std::set<JobId> jobs_ ABSL_GUARDED_BY(mu_);  // submitted and not done
  std::set<JobId> cancelled_ ABSL_GUARDED_BY(mu_);
  std::set<JobId> joined_ ABSL_GUARDED_BY(mu_);
};

}  // namespace tweedie

#endif  // TWEEDIE_CORE_ENGINE_ENGINE_H_
