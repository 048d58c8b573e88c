#include "client/cli/statistics.h"

#include <cmath>
#include <cstddef>
#include <cstdint>

namespace tweedie::cli {
namespace {

// In float64, so that a mean of equal values is their value.
std::vector<double> Means(const std::vector<Array>& arrays) {
  std::vector<double> means(arrays.front().values.size());
  for (const Array& array : arrays) {
    for (size_t i = 0; i < means.size(); ++i) means[i] += array.values[i];
  }
  for (double& mean : means) mean /= static_cast<double>(arrays.size());
  return means;
}

}  // namespace

Array MeanOf(const std::vector<Array>& arrays) {
  const std::vector<double> means = Means(arrays);
  return Array{arrays.front().shape, std::vector<float>(means.begin(), means.end())};
}

Array DeviationOf(const std::vector<Array>& arrays) {
  const std::vector<double> means = Means(arrays);
  Array deviation{arrays.front().shape, std::vector<float>(means.size())};
  for (size_t i = 0; i < means.size(); ++i) {
    double sum = 0;
    for (const Array& array : arrays) sum += std::pow(array.values[i] - means[i], 2);
    deviation.values[i] =
        static_cast<float>(std::sqrt(sum / static_cast<double>(arrays.size() - 1)));
  }
  return deviation;
}

Array Stack(const std::vector<Array>& arrays) {
  Array stack{arrays.front().shape, {}};
  stack.shape.insert(stack.shape.begin(), static_cast<int64_t>(arrays.size()));
  for (const Array& array : arrays) {
    stack.values.insert(stack.values.end(), array.values.begin(), array.values.end());
  }
  return stack;
}

Estimate EstimateOf(const std::vector<double>& values) {
  Estimate estimate;
  estimate.count = static_cast<int>(values.size());
  if (values.empty()) return estimate;
  for (const double value : values) estimate.mean += value / estimate.count;
  if (values.size() < 2) return estimate;
  double sum = 0;
  for (const double value : values) sum += std::pow(value - estimate.mean, 2);
  estimate.error = std::sqrt(sum / (estimate.count - 1) / estimate.count);
  return estimate;
}

}  // namespace tweedie::cli
