#ifndef TWEEDIE_CORE_PLAN_OPS_WINOGRAD_POINTS_H_
#define TWEEDIE_CORE_PLAN_OPS_WINOGRAD_POINTS_H_

namespace tweedie::plan {

// F(4x4, 3x3) interpolates at 0, p, -p, 1/p, -1/p and infinity. With p = sqrt(1/2) its error is
// half of what it is with 0, 1, -1, 2, -2, the paper's; that points are each other's reciprocals
// makes it small (Barabasz et al., 2020, "Error analysis and improving the accuracy of Winograd
// convolution for deep neural networks").
inline constexpr double kWinogradPoint = 0.70710678118654752;

}  // namespace tweedie::plan

#endif  // TWEEDIE_CORE_PLAN_OPS_WINOGRAD_POINTS_H_
