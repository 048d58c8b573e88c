#include "server/server_metrics.h"

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "server/base/process_metrics.h"

namespace tweedie {
namespace {

using Metrics = std::map<std::string, double>;

void AddJobCounts(JobStore& jobs, Metrics* values) {
  const absl::StatusOr<JobCounts> counts = jobs.Count();
  if (!counts.ok()) return;
  for (const auto& [state, count] : counts->by_state) {
    const std::string name = v1::Job::State_Name(static_cast<v1::Job::State>(state));
    (*values)[absl::StrCat("tweedie_jobs{state=\"", name, "\"}")] = static_cast<double>(count);
  }
  const absl::Duration oldest =
      counts->oldest_queued ? absl::Now() - *counts->oldest_queued : absl::ZeroDuration();
  (*values)["tweedie_queue_oldest_seconds"] = absl::ToDoubleSeconds(oldest);
}

}  // namespace

Metrics MetricsOf(const MeasuredParts& parts) {
  Metrics values = parts.runner->Metrics();
  const auto add = [&](const Metrics& more) {
    for (const auto& [name, value] : more) values[name] = value;
  };
  add(parts.hub->Metrics());
  if (parts.follower != nullptr) add(parts.follower->Metrics());
  add(parts.rpc->Metrics());
  add(parts.queue->commits->Values());
  add(ProcessMetrics());
  AddJobCounts(*parts.queue->jobs, &values);
  return values;
}

}  // namespace tweedie
