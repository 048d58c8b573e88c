#include "core/methods/method.h"

namespace tweedie {

at::Tensor Method::GuidanceLoss(const GuidanceRows& /*rows*/) const { return {}; }

}  // namespace tweedie
