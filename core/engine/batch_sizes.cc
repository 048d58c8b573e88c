#include "core/engine/batch_sizes.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"

namespace tweedie {
namespace {

// Sizes whose rows are dearer by so little count as equally good: measurements differ by
// as much.
constexpr double kAsGood = 1.03;
// How much longer than with its own rows alone a call may be that an urgent job waits for.
constexpr double kLongerForOthers = 1.25;

double RowSeconds(const CallCost& cost) { return cost.seconds / static_cast<double>(cost.rows); }

absl::Status Check(const CostCurve& curve) {
  int64_t rows = 0;
  for (const CallCost& cost : curve) {
    if (cost.rows <= rows || !(cost.seconds > 0) || !std::isfinite(cost.seconds)) {
      return absl::InvalidArgumentError(
          absl::StrCat(cost.rows, " rows in ", cost.seconds, " s after ", rows, " rows"));
    }
    rows = cost.rows;
  }
  if (curve.empty() || curve[0].rows != 1) {
    return absl::InvalidArgumentError("the time of one row is missing");
  }
  return absl::OkStatus();
}

// The smallest of the sizes that are best.
const CallCost& Best(const CostCurve& curve) {
  const auto dearer = [](const CallCost& a, const CallCost& b) {
    return RowSeconds(a) < RowSeconds(b);
  };
  const double cheapest = RowSeconds(*std::min_element(curve.begin(), curve.end(), dearer));
  return *std::find_if(curve.begin(), curve.end(), [cheapest](const CallCost& cost) {
    return RowSeconds(cost) <= kAsGood * cheapest;
  });
}

// What a call of up to the curve's last rows takes: as one of the next size measured,
// since rows between two sizes may cost what the larger does.
const CallCost& AtLeast(const CostCurve& curve, int64_t rows) {
  const auto found = std::find_if(curve.begin(), curve.end(),
                                  [rows](const CallCost& cost) { return cost.rows >= rows; });
  return found == curve.end() ? curve.back() : *found;
}

}  // namespace

absl::StatusOr<BatchSizes> BatchSizes::Make(CostCurve plain, CostCurve gradient) {
  for (const CostCurve* curve : {&plain, &gradient}) {
    if (const absl::Status status = Check(*curve); !status.ok()) return status;
  }
  return BatchSizes(std::move(plain), std::move(gradient));
}

BatchSizes::BatchSizes(CostCurve plain, CostCurve gradient)
    : plain_(std::move(plain)),
      gradient_(std::move(gradient)),
      gradient_row_cost_(std::max(1.0, RowSeconds(Best(gradient_)) / RowSeconds(Best(plain_)))) {}

int64_t BatchSizes::MaxRows(bool needs_gradient, int64_t urgent_rows) const {
  const CostCurve& curve = needs_gradient ? gradient_ : plain_;
  const CallCost& best = Best(curve);
  if (urgent_rows <= 0) return best.rows;
  // Of more rows than the best size has, a step is shortest in calls of that size.
  const double longest =
      kLongerForOthers * AtLeast(curve, std::min(urgent_rows, best.rows)).seconds;
  int64_t rows = 1;
  for (const CallCost& cost : curve) {
    if (cost.seconds <= longest && RowSeconds(cost) <= RowSeconds(curve[0])) rows = cost.rows;
  }
  return rows;
}

}  // namespace tweedie
