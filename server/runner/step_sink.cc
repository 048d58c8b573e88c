#include "server/runner/step_sink.h"

#include <ATen/ATen.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "absl/time/clock.h"
#include "core/base/thread_name.h"
#include "core/engine/call_failure.h"
#include "server/log/audit.h"
#include "server/runner/image_metrics.h"

namespace tweedie {
namespace {

// Of a tensor that nobody writes any more: it is copied only if it must be.
at::Tensor OnHost(const at::Tensor& tensor) {
  return tensor.detach().to(at::kCPU, at::kFloat).contiguous();
}

at::Tensor HostCopy(const at::Tensor& tensor) {
  return tensor.detach()
      .to(at::kCPU, at::kFloat, /*non_blocking=*/false, /*copy=*/true)
      .contiguous();
}

MethodState HostCopy(MethodState state) {
  for (auto& [name, tensor] : state.tensors) {
    tensor = tensor.detach().to(at::kCPU, /*non_blocking=*/false, /*copy=*/true).contiguous();
  }
  return state;
}

bool IsLast(const MethodProgress& progress) { return progress.step >= progress.num_steps; }

v1::Progress ToProto(const MethodProgress& progress) {
  v1::Progress proto;
  proto.set_step(progress.step);
  proto.set_num_steps(progress.num_steps);
  proto.set_timestep(progress.timestep);
  return proto;
}

// The time left at the rate seen since the job's first report here.
void EstimateRemaining(RunningJob& job, absl::Time now, v1::Progress& progress) {
  if (job.first_time == absl::InfinitePast()) {
    job.first_time = now;
    job.first_step = progress.step();
    return;
  }
  const int made = progress.step() - job.first_step;
  if (made <= 0) return;
  const absl::Duration left =
      (now - job.first_time) / made * (progress.num_steps() - progress.step());
  const int64_t nanoseconds = absl::ToInt64Nanoseconds(left);
  progress.mutable_remaining()->set_seconds(nanoseconds / 1000000000);
  progress.mutable_remaining()->set_nanos(static_cast<int32_t>(nanoseconds % 1000000000));
}

}  // namespace

StepSink::StepSink(Options options, const Clock* clock, RunningJobs* running, JobWriter* writer,
                   JobObserver* observer, Events events)
    : options_(options),
      clock_(clock),
      running_(running),
      writer_(writer),
      observer_(observer),
      events_(std::move(events)),
      thread_([this] { Run(); }) {}

StepSink::~StepSink() { Stop(absl::InfinitePast()); }

StepSink::Step StepSink::MakeStep(RunningJob& job, const Method& method) const {
  Step step;
  step.progress = method.progress();
  step.last = IsLast(step.progress);
  const bool frame = observer_->WantsFrame(job.record.id, step.progress.step, step.last);
  step.wants_metrics = MetricsDue(job);
  if (step.wants_metrics) job.metrics_time = clock_->Steady();
  if (frame) step.x_t = HostCopy(method.x());
  if (frame || step.wants_metrics) step.x0_hat = HostCopy(method.x0_hat());
  return step;
}

bool StepSink::MetricsDue(const RunningJob& job) const {
  if (job.targets.empty()) return false;
  const absl::Duration age = clock_->Steady() - job.metrics_time;
  return age >= options_.metrics_interval && age >= 4 * absl::Nanoseconds(job.metrics_nanos.load());
}

std::optional<StepSink::Step> StepSink::MakeLastStep(const RunningJob& job,
                                                     const Method& method) const {
  Step step;
  step.progress = method.progress();
  step.last = true;
  if (step.progress.step == 0) return std::nullopt;
  if (!observer_->WantsFrame(job.record.id, step.progress.step, step.last)) return std::nullopt;
  step.x_t = HostCopy(method.x());
  step.x0_hat = HostCopy(method.x0_hat());
  return step;
}

bool StepSink::CheckpointDue(RunningJob& job, const Method& method) const {
  const MethodProgress progress = method.progress();
  if (IsLast(progress)) return false;
  const absl::Time now = clock_->Steady();
  if (job.on_probation) {
    job.on_probation = !LongAgo(now - job.begin_time, progress.step - job.begin_step);
    return true;
  }
  if (job.unproven && progress.step > job.begin_step) return true;
  return LongAgo(now - job.checkpoint_time, progress.step - job.checkpoint_step);
}

bool StepSink::LongAgo(absl::Duration age, int steps) const {
  return age >= options_.checkpoint_interval ||
         (steps >= options_.checkpoint_steps && age >= options_.min_checkpoint_interval);
}

void StepSink::OnStep(const JobId& id, const Method& method) {
  const std::shared_ptr<RunningJob> job = running_->Find(id);
  if (job == nullptr || job->abandoned) return;
  try {
    TakeStep(job, method);
  } catch (const std::exception&) {
    const absl::Status failure = CaughtFailure("copying a step");
    if (IsDeviceLost(failure)) return GiveDeviceUp(failure);
    // Nobody sees this step; the job goes on.
    LogJob(spdlog::level::err, job->record, failure.ToString());
  }
}

void StepSink::TakeStep(const std::shared_ptr<RunningJob>& job, const Method& method) {
  Step step = MakeStep(*job, method);
  std::optional<Checkpoint> checkpoint;
  if (CheckpointDue(*job, method)) {
    checkpoint = Checkpoint{step.progress, HostCopy(method.Save())};
    job->checkpoint_step = step.progress.step;
    job->checkpoint_time = clock_->Steady();
  }
  {
    absl::MutexLock lock(&mu_);
    Waiting& waiting = work_.waiting[job->record.id];
    waiting.job = job;
    if (checkpoint) waiting.checkpoint = std::move(checkpoint);
    if (step.x_t.defined()) waiting.frame = step;
    if (step.wants_metrics) waiting.measured = step;
    waiting.step = std::move(step);
  }
  bell_.Ring();
}

void StepSink::OnDone(const JobId& id, const absl::Status& status, const Method& method) {
  std::shared_ptr<RunningJob> job = running_->Find(id);
  if (job == nullptr) return;
  if (IsDeviceLost(status)) return GiveDeviceUp(status);
  JobOutcome outcome{status, method.progress(), {}};
  std::optional<Step> last;
  try {
    if (status.ok()) outcome.images = OnHost(method.x());
    if (!status.ok() && !absl::IsCancelled(status)) last = MakeLastStep(*job, method);
  } catch (const std::exception&) {
    const absl::Status failure = CaughtFailure("copying the last step");
    if (IsDeviceLost(failure)) return GiveDeviceUp(failure);
    outcome.status.Update(failure);
  }
  {
    absl::MutexLock lock(&mu_);
    if (last) {
      Waiting& waiting = work_.waiting[id];
      waiting.job = job;
      waiting.frame = last;
      waiting.measured.reset();
      waiting.step = std::move(last);
    }
    work_.ends.push_back({std::move(job), std::move(outcome), absl::InfinitePast()});
  }
  bell_.Ring();
}

void StepSink::GiveDeviceUp(const absl::Status& status) const {
  spdlog::critical("the device failed, and this process cannot use it any more: {}",
                   status.ToString());
  spdlog::default_logger()->flush();
  options_.on_device_lost();
}

bool StepSink::TakeWork() {
  bell_.Wait(rest_.ends.empty() ? absl::InfiniteDuration() : options_.retry_interval);
  absl::MutexLock lock(&mu_);
  rest_.waiting = std::exchange(work_.waiting, {});
  for (End& end : work_.ends) rest_.ends.push_back(std::move(end));
  work_.ends.clear();
  return !stopping_;
}

void StepSink::Run() {
  NameThisThread("sink");
  while (TakeWork()) {
    ProcessSteps();
    FinishAll(Clock::Real()->Steady());
  }
  ProcessSteps();
}

void StepSink::ProcessSteps() {
  for (auto& [id, waiting] : rest_.waiting) {
    RunningJob& job = *waiting.job;
    if (job.abandoned) continue;
    PublishAll(waiting);
    if (waiting.checkpoint) WriteCheckpoint(job, *waiting.checkpoint);
  }
  rest_.waiting.clear();
}

void StepSink::WriteCheckpoint(RunningJob& job, const Checkpoint& checkpoint) {
  // If it fails the job goes on; the next checkpoint is another try.
  writer_->Checkpoint(job, checkpoint.progress, checkpoint.state).IgnoreError();
  ProveSuspect(job, checkpoint.progress.step);
}

void StepSink::ProveSuspect(RunningJob& job, int step) const {
  if (step <= job.begin_step || !job.unproven.exchange(false)) return;
  LogJob(spdlog::level::info, job.record,
         "is beyond where the server died; others go on beside it");
  events_.on_proven(job.record.id);
}

// In the order of the steps, each once.
void StepSink::PublishAll(const Waiting& waiting) const {
  std::map<int, const Step*> steps;
  for (const auto* step : {&waiting.step, &waiting.measured, &waiting.frame}) {
    if (step->has_value()) steps.emplace((*step)->progress.step, &**step);
  }
  for (const auto& [number, step] : steps) Publish(*waiting.job, *step);
}

void StepSink::FinishAll(absl::Time now) {
  std::deque<End> refused;
  for (End& end : rest_.ends) {
    if (now < end.not_before || !TryEnd(end)) refused.push_back(std::move(end));
  }
  rest_.ends = std::move(refused);
}

bool StepSink::TryEnd(End& end) {
  const absl::Status finished = writer_->Finish(*end.job, end.outcome);
  end.job->unproven = false;  // it has been through all of it
  if (finished.ok()) {
    events_.on_ended();
    return true;
  }
  end.wait = std::clamp(2 * end.wait, options_.retry_interval, options_.max_retry_interval);
  end.not_before = Clock::Real()->Steady() + end.wait;
  return false;
}

void StepSink::Publish(RunningJob& job, const Step& step) const {
  StepReport report;
  report.job_id = job.record.id;
  report.sequence = job.sequence + 1;
  job.sequence += 3;  // the progress, and a frame of each kind
  report.last = step.last;
  report.progress = ToProto(step.progress);
  EstimateRemaining(job, clock_->Steady(), report.progress);
  if (step.wants_metrics) AddMetrics(job, step.x0_hat, report.progress);
  report.x_t = step.x_t;
  if (step.x_t.defined()) report.x0_hat = step.x0_hat;
  observer_->OnStep(report);
}

void StepSink::AddMetrics(RunningJob& job, const at::Tensor& x0_hat, v1::Progress& progress) const {
  const absl::Time start = clock_->Steady();
  auto measured = MeasureImages(x0_hat, job.targets);
  job.metrics_nanos = absl::ToInt64Nanoseconds(clock_->Steady() - start);
  if (!measured.ok()) {
    LogJob(spdlog::level::warn, job.record, measured.status().ToString());
    return;
  }
  for (auto& metrics : *measured) *progress.add_metrics() = std::move(metrics);
}

void StepSink::Stop(absl::Time deadline) {
  {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
  }
  bell_.Ring();
  if (!thread_.joinable()) return;
  thread_.join();
  if (absl::Now() < deadline) FinishAll(absl::InfiniteFuture());
}

void StepSink::FinishRest(absl::Time deadline) {
  while (!rest_.ends.empty() && absl::Now() < deadline) {
    absl::SleepFor(std::min(options_.retry_interval, deadline - absl::Now()));
    FinishAll(absl::InfiniteFuture());
  }
  for (const End& end : rest_.ends) {
    LogJob(spdlog::level::err, end.job->record,
           "could not be finished in time; it will be run again");
  }
  rest_.ends.clear();
}

}  // namespace tweedie
