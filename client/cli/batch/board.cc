#include "client/cli/batch/board.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "client/cli/batch/job_maker.h"

namespace tweedie::cli {

Board::Board(const Client* client, std::string key)
    : client_(client), thread_([this, key = std::move(key)] { Watch(key); }) {}

Board::~Board() { thread_.join(); }

void Board::Watch(const std::string& key) {
  v1::WatchJobsRequest request;
  (*request.mutable_filter()->mutable_labels())[kBatchLabel] = key;
  const absl::Status status =
      client_->WatchJobs(request, [this](const v1::WatchJobsResponse& event) {
        OnEvent(event);
        return absl::OkStatus();
      });
  absl::MutexLock lock(&mu_);
  stream_ = status;
}

void Board::OnEvent(const v1::WatchJobsResponse& event) {
  const std::string& name = event.job().name();
  absl::MutexLock lock(&mu_);
  if (event.deleted()) {
    ended_.insert_or_assign(
        name, absl::NotFoundError(absl::StrCat(name, " was deleted before its end was seen")));
  } else if (HasEnded(event.job())) {
    ended_.insert_or_assign(name, event.job());
  }
}

absl::StatusOr<v1::Job> Board::WaitForEnd(const std::string& name) {
  const auto is_over = [&]() ABSL_SHARED_LOCKS_REQUIRED(mu_) {
    return !stream_.ok() || ended_.contains(name);
  };
  absl::MutexLock lock(&mu_);
  mu_.Await(absl::Condition(&is_over));
  const auto found = ended_.find(name);
  if (found == ended_.end()) return stream_;
  absl::StatusOr<v1::Job> job = std::move(found->second);
  ended_.erase(found);
  return job;
}

}  // namespace tweedie::cli
