#include "client/cli/batch/board.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "client/cli/batch/job_maker.h"
#include "core/base/status_macros.h"

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
  if (event.listing_complete()) ++listings_;
  if (event.deleted()) {
    ended_.insert_or_assign(
        name, absl::NotFoundError(absl::StrCat(name, " was deleted before its end was seen")));
  } else if (HasEnded(event.job())) {
    ended_.insert_or_assign(name, event.job());
  }
}

void Board::WaitForNews(const std::string& name, int* listings) {
  const auto is_news = [&]() ABSL_SHARED_LOCKS_REQUIRED(mu_) {
    return !stream_.ok() || ended_.contains(name) || listings_ > *listings;
  };
  absl::MutexLock lock(&mu_);
  mu_.Await(absl::Condition(&is_news));
  *listings = listings_;
}

std::optional<absl::StatusOr<v1::Job>> Board::TakeEnd(const std::string& name) {
  absl::MutexLock lock(&mu_);
  const auto found = ended_.find(name);
  if (found != ended_.end()) {
    absl::StatusOr<v1::Job> job = std::move(found->second);
    ended_.erase(found);
    return job;
  }
  if (!stream_.ok()) return stream_;
  return std::nullopt;
}

absl::StatusOr<v1::Job> Board::WaitForEnd(const std::string& name) {
  int listings = 1;  // which no break came before
  while (true) {
    WaitForNews(name, &listings);
    std::optional<absl::StatusOr<v1::Job>> end = TakeEnd(name);
    if (end.has_value()) return *std::move(end);
    // No listing tells of a job that was deleted while the stream was broken.
    ASSIGN_OR_RETURN(v1::Job job, client_->GetJob(name));
    if (!HasEnded(job)) continue;
    TakeEnd(name);
    return job;
  }
}

}  // namespace tweedie::cli
