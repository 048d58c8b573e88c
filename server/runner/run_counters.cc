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

RunCounters::Counts& RunCounters::CountsOf(const Histogram& histogram, absl::string_view labels) {
  auto family = histograms_.find(histogram.name);
  if (family == histograms_.end()) {
    family = histograms_.emplace(std::string(histogram.name), ByLabels()).first;
  }
  const auto counts = family->second.find(labels);
  if (counts != family->second.end()) return counts->second;
  Counts& added = family->second[std::string(labels)];
  added.bounds.assign(histogram.bounds.begin(), histogram.bounds.end());
  added.up_to.resize(added.bounds.size());
  return added;
}

void RunCounters::Declare(const Histogram& histogram, absl::string_view labels) {
  absl::MutexLock lock(&mu_);
  CountsOf(histogram, labels);
}

void RunCounters::Observe(const Histogram& histogram, double value, absl::string_view labels) {
  absl::MutexLock lock(&mu_);
  Counts& counts = CountsOf(histogram, labels);
  for (size_t i = 0; i < counts.bounds.size(); ++i) counts.up_to[i] += value <= counts.bounds[i];
  ++counts.all;
  counts.sum += value;
}

std::map<std::string, double> RunCounters::Values() const {
  absl::MutexLock lock(&mu_);
  std::map<std::string, double> values = values_;
  for (const auto& [name, by_labels] : histograms_) {
    for (const auto& [labels, counts] : by_labels) {
      for (size_t i = 0; i < counts.bounds.size(); ++i) {
        values[Bucket(name, labels, absl::StrCat(counts.bounds[i]))] =
            static_cast<double>(counts.up_to[i]);
      }
      values[Bucket(name, labels, "+Inf")] = static_cast<double>(counts.all);
      values[Series(name, "_sum", labels)] = counts.sum;
      values[Series(name, "_count", labels)] = static_cast<double>(counts.all);
    }
  }
  return values;
}

}  // namespace tweedie
