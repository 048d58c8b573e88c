#ifndef TWEEDIE_CORE_PLAN_UNET_PLAN_H_
#define TWEEDIE_CORE_PLAN_UNET_PLAN_H_

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/nn/unet.h"
#include "core/plan/op.h"
#include "core/plan/time_vectors.h"

namespace tweedie::plan {

// A UNet, compiled for images of one size: what is to be done for one image, in
// order, with weights packed for the machine and memory planned once. Its outputs are
// those of the network to rounding; of one image they are the same bits whatever the
// size of the team. Immutable; thread-safe.
class UnetPlan {
 public:
  // Whether there is one for images of that height and width: UNIMPLEMENTED, saying why,
  // for a network with parts that only the modules have.
  static absl::Status Check(const nn::UnetConfig& config, const std::array<int64_t, 2>& image_size);
  // Errors are those of Check(), or INTERNAL.
  // `factors`: of what type convolutions and attention multiply; with kBfloat16 the first
  // convolution, sums, norms and time vectors are float32 nevertheless. The network's
  // parameters are float32; only what Embed() needs is read after that.
  static absl::StatusOr<std::unique_ptr<const UnetPlan>> Make(
      std::shared_ptr<const nn::UnetImpl> network, const std::array<int64_t, 2>& image_size,
      Type factors = Type::kFloat32);

  const Ops& ops() const { return ops_; }
  // Of all parameters, as they are packed, about.
  int64_t weight_bytes() const { return weight_bytes_; }
  int64_t arena_floats() const { return arena_floats_; }
  int64_t arena_bytes() const { return arena_floats_ * static_cast<int64_t>(sizeof(float)); }
  const TimeVectors& time_vectors() const { return *time_vectors_; }

 private:
  UnetPlan() = default;

  Ops ops_;
  int64_t weight_bytes_ = 0;
  int64_t arena_floats_ = 0;
  std::unique_ptr<const TimeVectors> time_vectors_;
};

}  // namespace tweedie::plan

#endif  // TWEEDIE_CORE_PLAN_UNET_PLAN_H_
