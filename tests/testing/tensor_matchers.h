#ifndef TWEEDIE_TESTS_TESTING_TENSOR_MATCHERS_H_
#define TWEEDIE_TESTS_TESTING_TENSOR_MATCHERS_H_

#include <ATen/ATen.h>
#include <gmock/gmock.h>

#include "absl/strings/str_cat.h"

namespace tweedie {

// A tensor of `expected`'s shape, each element within `tolerance`; NaN is close
// to nothing. Says how far the farthest element is off, and which it is.
MATCHER_P2(IsCloseTo, expected, tolerance, absl::StrCat("is within ", tolerance)) {
  if (arg.sizes() != expected.sizes()) {
    *result_listener << "whose shape is " << arg.sizes() << ", not " << expected.sizes();
    return false;
  }
  if (arg.numel() == 0) return true;
  const at::Tensor error = arg.to(at::kDouble).sub(expected.to(at::kDouble)).abs().flatten();
  const at::Tensor bad = error.nan_to_num(1e300, 1e300);
  const int64_t index = bad.argmax().template item<int64_t>();
  *result_listener << "off by at most " << error[index].template item<double>()
                   << ", at flat index " << index << ": "
                   << arg.flatten()[index].template item<double>() << " for "
                   << expected.flatten()[index].template item<double>();
  return bad[index].template item<double>() <= tolerance;
}

// A tensor with the very bits of `expected` (as far as values show them).
MATCHER_P(IsBitEqualTo, expected, "has the same bits") {
  if (arg.sizes() != expected.sizes() || arg.scalar_type() != expected.scalar_type()) {
    *result_listener << "whose shape or type differs";
    return false;
  }
  const int64_t unequal = arg.ne(expected).sum().template item<int64_t>();
  *result_listener << "with " << unequal << " of " << arg.numel() << " elements unequal";
  return unequal == 0;
}

}  // namespace tweedie

#endif  // TWEEDIE_TESTS_TESTING_TENSOR_MATCHERS_H_
