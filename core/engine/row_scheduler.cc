#include "core/engine/row_scheduler.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace tweedie {
namespace {

bool AreAlike(const RowScheduler::Waiting& a, const RowScheduler::Waiting& b) {
  return a.network == b.network && a.needs_gradient == b.needs_gradient;
}

// Of the call that `first` begins; rows that are alike cost the same.
int64_t RowsOfCall(const RowScheduler::Waiting& first, double max_cost) {
  if (first.max_rows > 0) return first.max_rows;
  return std::max<int64_t>(static_cast<int64_t>(max_cost / first.row_cost), 1);
}

}  // namespace

double RowScheduler::StartOfCreator(const std::string& creator) const {
  double least = std::numeric_limits<double>::infinity();
  for (const auto& [name, other] : creators_) {
    if (name != creator) least = std::min(least, other.served);
  }
  return std::isinf(least) ? time_ : std::max(least, time_ - call_rows_);
}

double RowScheduler::StartOfJob(const std::string& creator, double time) const {
  double least = std::numeric_limits<double>::infinity();
  for (const auto& [name, other] : jobs_) {
    if (other.creator == creator) least = std::min(least, other.served);
  }
  return std::isinf(least) ? time : std::max(least, time - call_rows_);
}

void RowScheduler::Add(const std::string& job, const std::string& creator, double weight) {
  auto [entry, is_new] = creators_.try_emplace(creator);
  Creator& owner = entry->second;
  if (is_new) owner.served = StartOfCreator(creator);
  jobs_[job] = Job{creator, weight, StartOfJob(creator, owner.time), arrivals_++};
  owner.weight += weight;
  ++owner.jobs;
}

void RowScheduler::Remove(const std::string& job) {
  const auto it = jobs_.find(job);
  if (it == jobs_.end()) return;
  const auto creator = creators_.find(it->second.creator);
  creator->second.weight -= it->second.weight;
  if (--creator->second.jobs == 0) creators_.erase(creator);
  jobs_.erase(it);
}

bool RowScheduler::GoesBefore(const std::string& a, const std::string& b) const {
  const Job& job_a = jobs_.at(a);
  const Job& job_b = jobs_.at(b);
  const double creator_a = creators_.at(job_a.creator).served;
  const double creator_b = creators_.at(job_b.creator).served;
  if (creator_a != creator_b) return creator_a < creator_b;
  if (job_a.served != job_b.served) return job_a.served < job_b.served;
  return job_a.arrival > job_b.arrival;  // of equals, the newest has waited for nothing yet
}

void RowScheduler::Serve(const std::string& job, double cost) {
  Job& served = jobs_.at(job);
  Creator& creator = creators_.at(served.creator);
  served.served += cost / served.weight;
  creator.time += cost / creator.weight;
  creator.served += cost / served.weight;
  time_ += cost / served.weight / static_cast<double>(creators_.size());
}

std::vector<RowScheduler::Share> RowScheduler::Pick(const std::vector<Waiting>& waiting,
                                                    double max_cost) {
  std::vector<size_t> order(waiting.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::vector<Share> shares;
  int64_t rows_left = 0;  // in the call; set by who goes first
  while (!order.empty()) {
    // Re-evaluated after each share: serving one job of a creator puts its others back.
    const auto first = std::min_element(order.begin(), order.end(), [&](size_t a, size_t b) {
      return GoesBefore(waiting[a].job, waiting[b].job);
    });
    const Waiting& job = waiting[*first];
    const size_t index = *first;
    order.erase(first);
    if (!shares.empty() && !AreAlike(job, waiting[shares[0].index])) continue;
    if (shares.empty()) rows_left = RowsOfCall(job, max_cost);
    const int64_t rows = std::min(job.rows, rows_left);
    if (rows <= 0) break;
    rows_left -= rows;
    Serve(job.job, static_cast<double>(rows) * job.row_cost);
    shares.push_back(Share{index, rows});
  }
  return shares;
}

}  // namespace tweedie
