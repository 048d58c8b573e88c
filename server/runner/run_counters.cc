#include "server/runner/run_counters.h"

#include "absl/strings/str_cat.h"

namespace tweedie {
namespace {

std::string Bucket(absl::string_view name, absl::string_view labels, absl::string_view bound) {
  return absl::StrCat(name, "_bucket{", labels, labels.empty() ? "" : ",", "le=\"", bound, "\"}");
}

std::string Series(absl::string_view name, absl::string_view suffix, absl::string_view labels) {
  if (labels.empty()) return absl::StrCat(name, suffix);
  return absl::StrCat(name, suffix, "{", labels, "}");
}

}  // namespace

void RunCounters::Declare(const Histogram& histogram, absl::string_view labels) {
  absl::MutexLock lock(&mu_);
  for (const double bound : histogram.bounds) {
    values_.emplace(Bucket(histogram.name, labels, absl::StrCat(bound)), 0);
  }
  values_.emplace(Bucket(histogram.name, labels, "+Inf"), 0);
  values_.emplace(Series(histogram.name, "_sum", labels), 0);
  values_.emplace(Series(histogram.name, "_count", labels), 0);
}

void RunCounters::Observe(const Histogram& histogram, double value, absl::string_view labels) {
  Declare(histogram, labels);
  absl::MutexLock lock(&mu_);
  for (const double bound : histogram.bounds) {
    if (value <= bound) ++values_[Bucket(histogram.name, labels, absl::StrCat(bound))];
  }
  ++values_[Bucket(histogram.name, labels, "+Inf")];
  values_[Series(histogram.name, "_sum", labels)] += value;
  ++values_[Series(histogram.name, "_count", labels)];
}

}  // namespace tweedie
