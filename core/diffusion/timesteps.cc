#include "core/diffusion/timesteps.h"

#include <cstddef>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "core/base/field_error.h"

namespace tweedie {
namespace {

// numerator / denominator, both at least 0, halves to even.
int64_t RoundedQuotient(int64_t numerator, int64_t denominator) {
  const int64_t quotient = numerator / denominator;
  const int64_t twice_rest = 2 * (numerator % denominator);
  const bool up = twice_rest > denominator || (twice_rest == denominator && quotient % 2 == 1);
  return quotient + (up ? 1 : 0);
}

// The i-th timestep from below.
int64_t KeptTimestep(const TimestepOptions& options, int64_t i) {
  const int64_t k = options.num_timesteps;
  const int64_t n = options.num_steps;
  switch (options.spacing) {
    case Spacing::kLeading:
      return i * (k / n) + options.steps_offset;
    case Spacing::kTrailing:
      return RoundedQuotient(k * n - (n - 1 - i) * k, n) - 1;
    case Spacing::kLinspace:
      return n == 1 ? 0 : RoundedQuotient(i * (k - 1), n - 1);
  }
  return 0;
}

}  // namespace

absl::StatusOr<std::vector<int>> KeptTimesteps(const TimestepOptions& options) {
  const int k = options.num_timesteps;
  const int n = options.num_steps;
  if (n < 1 || n > k) {
    return FieldError("num_steps", absl::StrCat("must be in [1, ", k, "]; was ", n));
  }
  std::vector<int> kept = {k - 1};
  for (int64_t i = n - 2; i >= 0; --i) {
    const int64_t t = KeptTimestep(options, i);
    if (t >= kept.back() || t < 0) {
      return FieldError("num_steps",
                        absl::StrCat("must be smaller for LEADING timesteps with steps_offset ",
                                     options.steps_offset, " within 0..", k - 1, "; was ", n));
    }
    kept.push_back(static_cast<int>(t));
  }
  return kept;
}

}  // namespace tweedie
