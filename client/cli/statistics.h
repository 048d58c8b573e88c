#ifndef TWEEDIE_CLIENT_CLI_STATISTICS_H_
#define TWEEDIE_CLIENT_CLI_STATISTICS_H_

#include <vector>

#include "client/cli/npy.h"

namespace tweedie::cli {

// The mean of arrays of one shape, value by value. There must be at least one.
Array MeanOf(const std::vector<Array>& arrays);

// Their standard deviation about it, with n - 1; there must be at least two.
Array DeviationOf(const std::vector<Array>& arrays);

// Arrays of one shape, behind a new first dimension. There must be at least one.
Array Stack(const std::vector<Array>& arrays);

// A mean with its standard error.
struct Estimate {
  double mean = 0;
  double error = 0;  // the deviation over sqrt(n); 0 for one value
  int count = 0;
};

// Of no values: a count of 0.
Estimate EstimateOf(const std::vector<double>& values);

}  // namespace tweedie::cli

#endif  // TWEEDIE_CLIENT_CLI_STATISTICS_H_
