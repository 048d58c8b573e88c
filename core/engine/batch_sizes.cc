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
// Seconds that a call costs besides: the engine's work, threads that wait for each other.
constexpr double kOfEachCall = 0.001;
// Seconds of a call whose end nobody minds to wait for.
constexpr double kShortCall = 0.1;
// How much longer than with its own rows alone a call may be that an urgent job waits for.
constexpr double kLongerForOthers = 1.25;

double RowSeconds(const CallCost& cost) { return cost.seconds / static_cast<double>(cost.rows); }

double RowSecondsInAll(const CallCost& cost) {
  return (cost.seconds + kOfEachCall) / static_cast<double>(cost.rows);
}

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

// The sizes at which a row is no dearer than alone.
CostCurve Worthwhile(const CostCurve& curve) {
  CostCurve sizes;
  for (const CallCost& cost : curve) {
    if (RowSeconds(cost) <= RowSeconds(curve[0])) sizes.push_back(cost);
  }
  return sizes;
}

// Of the sizes that are best the largest whose call is short, or else the smallest.
CallCost Best(const CostCurve& curve) {
  const CostCurve sizes = Worthwhile(curve);
  double cheapest = RowSecondsInAll(sizes[0]);
  for (const CallCost& cost : sizes) cheapest = std::min(cheapest, RowSecondsInAll(cost));
  const CallCost* best = nullptr;
  for (const CallCost& cost : sizes) {
    const bool is_as_good = RowSecondsInAll(cost) <= kAsGood * cheapest;
    if (is_as_good && (best == nullptr || cost.seconds <= kShortCall)) best = &cost;
  }
  return *best;
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
  const CallCost best = Best(curve);
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
