#ifndef TWEEDIE_TESTS_UNIT_TOOLS_QUEUE_FOLDER_H_
#define TWEEDIE_TESTS_UNIT_TOOLS_QUEUE_FOLDER_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "core/base/clock.h"
#include "core/base/file.h"
#include "core/jobs/blob_store.h"
#include "core/jobs/job_store.h"
#include "core/jobs/sqlite/database.h"
#include "core/jobs/sqlite/sqlite_job_store.h"
#include "server/tools/tool_queue.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_folder.h"

namespace tweedie {

// A data folder as a server leaves it that was killed: `done` has succeeded, `failed`
// has failed, `resumed` waits with a checkpoint, `running` was running with one, and
// `waiting` waits; `deleted` is gone, and its request id is not.
class QueueFolder {
 public:
  QueueFolder() {
    auto blobs = FileBlobStore::Open(path() + "/blobs");
    EXPECT_OK(blobs);
    blobs_ = std::make_unique<FileBlobStore>(*std::move(blobs));
    auto jobs = OpenSqliteJobStore(path() + "/queue.sqlite", RetentionPolicy(), Clock::Real());
    EXPECT_OK(jobs);
    jobs_ = *std::move(jobs);
    Fill();
    jobs_.reset();
  }

  const std::string& path() const { return folder_.path(); }
  QueueChoice choice() const { return {.data_dir = path()}; }
  std::string BlobPath(const std::string& name) const { return path() + "/blobs/" + name; }
  bool HasBlob(const std::string& name) const { return std::filesystem::exists(BlobPath(name)); }
  void Spoil(const std::string& blob) const { std::ofstream(BlobPath(blob)) << "spoilt"; }
  void RemoveBlob(const std::string& blob) const { std::filesystem::remove(BlobPath(blob)); }
  // The job as it is in the database.
  JobRecord Get(const std::string& id) const {
    auto jobs = OpenSqliteJobStore(path() + "/queue.sqlite", RetentionPolicy(), Clock::Real());
    EXPECT_OK(jobs);
    if (!jobs.ok()) return {};
    auto job = (*jobs)->Get(id);
    EXPECT_OK(job);
    return job.value_or(JobRecord());
  }
  // As no store would: its rules are not heeded.
  void Sql(const std::string& statement) const {
    auto database = sqlite::Database::Open(path() + "/queue.sqlite");
    ASSERT_OK(database);
    ASSERT_OK((*database)->Write([&](sqlite::Connection& db) { return db.Execute(statement); }));
  }

 private:
  BlobRef Write(const std::string& name, const std::string& bytes) const {
    auto blob = blobs_->Write(name, bytes);
    EXPECT_OK(blob);
    return blob.value_or(BlobRef());
  }
  void Create(const std::string& id, const std::string& request_id = "") {
    NewJob job;
    job.record.id = id;
    job.record.model = "m";
    job.record.creator = "ada";
    job.record.labels = {{"name", id}};
    job.record.spec = std::string("spec\0", 5);
    job.record.num_images = 1;
    job.record.progress.num_steps = 50;
    job.record.input = Write(id + "/input-x", "input of " + id);
    job.request_id = request_id;
    job.request_digest = request_id.empty() ? "" : "digest";
    ASSERT_OK(jobs_->Create({job}, CreateLimits()));
  }
  Lease Claim() {
    auto claimed = jobs_->Claim({"server", "cpu", {"m"}, 1000, absl::Hours(1)});
    EXPECT_OK(claimed);
    return claimed.ok() && claimed->has_value() ? (*claimed)->lease : Lease();
  }
  Lease RunToCheckpoint() {
    const Lease lease = Claim();
    const BlobRef blob = Write(lease.job_id + "/checkpoint-1-7", "x_t of " + lease.job_id);
    EXPECT_OK(jobs_->Checkpoint(lease, {7, 50, 3}, blob));
    return lease;
  }
  void Fill() {
    Create("deleted", "r-deleted");
    EXPECT_OK(jobs_->Cancel("deleted"));
    EXPECT_OK(jobs_->Delete("deleted"));
    EXPECT_OK(blobs_->Remove("deleted/input-x"));
    Create("done", "r-done");
    JobEnd end;
    end.progress = {50, 50, 0};
    end.result = Write("done/result-1", "images of done");
    end.outcome = "psnr";
    EXPECT_OK(jobs_->Finish(Claim(), end));
    Create("failed");
    end.event = JobEvent::kFail;
    end.result = {};
    end.failure = JobFailure{absl::StatusCode::kInternal, "it broke", "BROKEN"};
    EXPECT_OK(jobs_->Finish(Claim(), end));
    Create("resumed");
    const Lease lease = RunToCheckpoint();
    Create("running");
    RunToCheckpoint();
    EXPECT_OK(jobs_->Release(lease, int64_t{1} << 32));
    Create("waiting");
  }

  const TempFolder folder_;
  std::unique_ptr<BlobStore> blobs_;
  std::unique_ptr<JobStore> jobs_;
};

}  // namespace tweedie

#endif  // TWEEDIE_TESTS_UNIT_TOOLS_QUEUE_FOLDER_H_
