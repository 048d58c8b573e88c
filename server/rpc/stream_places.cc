#include "server/rpc/stream_places.h"

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/jobs/job_store.h"

namespace tweedie {
namespace {

absl::Status Full(absl::string_view quota, absl::string_view message) {
  absl::Status status = absl::ResourceExhaustedError(message);
  status.SetPayload(kQuotaPayload, absl::Cord(quota));
  return status;
}

}  // namespace

absl::Status StreamPlaces::CheckRoom(absl::string_view creator) const {
  if (taken_ >= options_.max) {
    return Full("watches", absl::StrCat("too many streams are open: at most ", options_.max,
                                        " may be; watch again in a moment"));
  }
  const auto own = by_creator_.find(std::string(creator));
  if (creator.empty() || own == by_creator_.end() || own->second < options_.max_per_creator) {
    return absl::OkStatus();
  }
  return Full("creator_watches", absl::StrCat("too many of your streams are open: at most ",
                                              options_.max_per_creator, " may be"));
}

absl::StatusOr<StreamPlaces::Place> StreamPlaces::Take(absl::string_view creator, bool is_relay) {
  const std::string holder(is_relay ? "" : creator);
  absl::MutexLock lock(&mu_);
  RETURN_IF_ERROR(CheckRoom(holder));
  ++taken_;
  if (!holder.empty()) ++by_creator_[holder];
  return Place(this, [this, holder](const void*) { GiveBack(holder); });
}

void StreamPlaces::GiveBack(const std::string& creator) {
  absl::MutexLock lock(&mu_);
  --taken_;
  const auto own = by_creator_.find(creator);
  if (own != by_creator_.end() && --own->second == 0) by_creator_.erase(own);
}

int StreamPlaces::taken() const {
  absl::MutexLock lock(&mu_);
  return taken_;
}

}  // namespace tweedie
