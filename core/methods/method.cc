#include "core/methods/method.h"

#include <ATen/ATen.h>

namespace tweedie {

at::Tensor Method::GuidanceLoss(const GuidanceRows&) const { return at::Tensor(); }

}  // namespace tweedie
