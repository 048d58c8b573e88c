#ifndef TWEEDIE_TESTS_UNIT_TOOLS_EXAMPLE_JOBS_H_
#define TWEEDIE_TESTS_UNIT_TOOLS_EXAMPLE_JOBS_H_

#include <string>

#include "core/base/sha256.h"
#include "core/jobs/job_archive.h"

namespace tweedie {

inline BlobRef ExampleBlob(const std::string& name, const std::string& bytes) {
  return {name, static_cast<int64_t>(bytes.size()), Sha256Hex(bytes)};
}

// A job that waits, as a store keeps it.
inline ArchivedJob QueuedJob(const std::string& id = "job-1") {
  ArchivedJob job;
  job.record.id = id;
  job.record.model = "m";
  job.record.creator = "ada";
  job.record.labels = {{"a", "1"}, {"b.c", "x=y\n"}};
  job.record.spec = std::string("spec\0\xff\n=", 8);
  job.record.num_images = 4;
  job.record.cost_bytes = 100;
  job.record.input = ExampleBlob(id + "/input-x", "pixels");
  job.record.sequence = 1;
  job.record.progress.num_steps = 50;
  job.record.create_time = absl::FromUnixMicros(1000000);
  return job;
}

// One that has succeeded.
inline ArchivedJob SucceededJob(const std::string& id = "job-1") {
  ArchivedJob job = QueuedJob(id);
  job.record.state = JobState::kSucceeded;
  job.record.sequence = (int64_t{1} << 32) + 9;
  job.record.attempt = 1;
  job.record.progress.step = 50;
  job.record.progress.timestep = -1;
  job.record.result = ExampleBlob(id + "/result-1", "images");
  job.record.outcome = std::string("\0psnr", 5);
  job.record.server = "gpu-1";
  job.record.device = "cpu";
  job.record.start_time = absl::FromUnixMicros(2000000);
  job.record.end_time = absl::FromUnixMicros(3000000);
  job.record.expire_time = absl::FromUnixMicros(4000000);
  job.furthest_step = 40;
  job.request_id = "r";
  job.request_digest = "d";
  return job;
}

// One that has failed.
inline ArchivedJob FailedJob(const std::string& id = "job-1") {
  ArchivedJob job = SucceededJob(id);
  job.record.state = JobState::kFailed;
  job.record.result = {};
  job.record.failure = JobFailure{absl::StatusCode::kInternal, "it broke", "BROKEN"};
  return job;
}

// One that a server runs.
inline ArchivedJob RunningJob(const std::string& id = "job-1") {
  ArchivedJob job = QueuedJob(id);
  job.record.state = JobState::kRunning;
  job.record.sequence = int64_t{2} << 32;
  job.record.attempt = 2;
  job.record.crashes = 1;
  job.record.start_time = absl::FromUnixMicros(2000000);
  job.has_lease_token = true;
  job.lease_end = absl::FromUnixMicros(3000000);
  return job;
}

}  // namespace tweedie

#endif  // TWEEDIE_TESTS_UNIT_TOOLS_EXAMPLE_JOBS_H_
