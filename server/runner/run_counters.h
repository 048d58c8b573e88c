#ifndef TWEEDIE_SERVER_RUNNER_RUN_COUNTERS_H_
#define TWEEDIE_SERVER_RUNNER_RUN_COUNTERS_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"

namespace tweedie {

// A histogram of /metrics: its family's name, and the largest value of each bucket,
// ascending, without the last, which takes all.
struct Histogram {
  absl::string_view name;
  absl::Span<const double> bounds;
};

// Figures for /metrics, by name with labels. Thread-safe.
class RunCounters {
 public:
  void Add(absl::string_view name, double value = 1) ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    values_[std::string(name)] += value;
  }
  // Shows the histogram, empty, so that its first value is seen as a rise. `labels` are
  // written as Prometheus does, without braces, and may be empty.
  void Declare(const Histogram& histogram, absl::string_view labels = "") ABSL_LOCKS_EXCLUDED(mu_);
  void Observe(const Histogram& histogram, double value, absl::string_view labels = "")
      ABSL_LOCKS_EXCLUDED(mu_);
  std::map<std::string, double> Values() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  // Of one histogram under one set of labels. It gets its names only when it is read.
  struct Counts {
    std::vector<double> bounds;
    std::vector<int64_t> up_to;  // each bound
    int64_t all = 0;
    double sum = 0;
  };
  using ByLabels = std::map<std::string, Counts, std::less<>>;

  Counts& CountsOf(const Histogram& histogram, absl::string_view labels)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  mutable absl::Mutex mu_;
  std::map<std::string, double> values_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, ByLabels, std::less<>> histograms_ ABSL_GUARDED_BY(mu_);
};

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_RUNNER_RUN_COUNTERS_H_
