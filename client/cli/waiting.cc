#include "client/cli/waiting.h"

#include <CLI/CLI.hpp>

namespace tweedie::cli {

void AddWaitOptions(CLI::App* command, bool* detach) {
  auto* detaching = command->add_flag("--detach", *detach, "Print the name and do not wait");
  command->add_flag("--wait")->description("Wait for the end, as by default")->excludes(detaching);
}

absl::StatusOr<v1::Job> WaitForEnd(const Client& client, const v1::Job& job) {
  if (HasEnded(job)) return job;
  v1::WatchJobRequest request;
  request.set_name(job.name());
  return client.WatchJob(request, [](const v1::WatchJobResponse&) { return absl::OkStatus(); });
}

}  // namespace tweedie::cli
