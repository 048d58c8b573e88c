// JobStore from several threads.
#include <atomic>
#include <set>
#include <thread>

#include "absl/synchronization/mutex.h"
#include "tests/contract/job_store_fixture.h"

namespace tweedie {
namespace {

constexpr int kThreads = 4;
constexpr int kJobsPerThread = 25;

template <typename T>
class ConcurrencyTest : public JobStoreTest<T> {
 protected:
  // Runs `body(thread)` in kThreads threads at once.
  template <typename Body>
  static void InThreads(const Body& body) {
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) threads.emplace_back([&body, t] { body(t); });
    for (std::thread& thread : threads) thread.join();
  }
};
TYPED_TEST_SUITE(ConcurrencyTest, Stores, StoreName);

TYPED_TEST(ConcurrencyTest, EachJobIsClaimedOnceWhileOthersAreCreated) {
  absl::Mutex mu;
  std::multiset<std::string> claimed_ids;
  std::atomic<int> errors = 0;
  const auto claim_one = [&] {
    auto claimed = this->store_->Claim(this->Request());
    if (!claimed.ok()) ++errors;
    if (!claimed.ok() || !claimed->has_value()) return false;
    if (!this->store_->Finish((*claimed)->lease, this->End(JobEvent::kSucceed)).ok()) ++errors;
    absl::MutexLock lock(&mu);
    claimed_ids.insert((*claimed)->job.id);
    return true;
  };
  this->InThreads([&](int t) {
    for (int i = 0; i < kJobsPerThread; ++i) {
      const std::string id = absl::StrCat("job-", t, "-", i);
      if (!this->store_->Create({MakeJob(id)}, CreateLimits()).ok()) ++errors;
      if (!this->store_->Get(id).ok()) ++errors;  // seen at once on the other connection
      claim_one();
    }
  });
  while (claim_one()) {
  }
  EXPECT_EQ(errors, 0);
  EXPECT_EQ(claimed_ids.size(), size_t{kThreads * kJobsPerThread});
  EXPECT_EQ(std::set<std::string>(claimed_ids.begin(), claimed_ids.end()).size(),
            claimed_ids.size());
}

TYPED_TEST(ConcurrencyTest, SameRequestFromAllThreadsMakesOneJob) {
  std::atomic<int> made = 0;
  std::atomic<int> errors = 0;
  this->InThreads([&](int t) {
    for (int i = 0; i < kJobsPerThread; ++i) {
      const NewJob job =
          MakeJob(absl::StrCat("job-", i, "-", t),
                  {.request_id = absl::StrCat("request-", i), .request_digest = "d"});
      std::vector<bool> created;
      const auto jobs = this->store_->Create({job}, CreateLimits(), &created);
      if (!jobs.ok()) ++errors;
      if (jobs.ok() && created.at(0)) ++made;
    }
  });
  EXPECT_EQ(errors, 0);
  EXPECT_EQ(made, kJobsPerThread);
  EXPECT_EQ(this->ListIds({}).size(), size_t{kJobsPerThread});
}

TYPED_TEST(ConcurrencyTest, LimitHoldsUnderContention) {
  std::atomic<int> made = 0;
  this->InThreads([&](int t) {
    for (int i = 0; i < 10; ++i) {
      const auto jobs = this->store_->Create({MakeJob(absl::StrCat("job-", t, "-", i))}, {10, 10});
      if (jobs.ok()) ++made;
    }
  });
  EXPECT_EQ(made, 10);
}

}  // namespace
}  // namespace tweedie
