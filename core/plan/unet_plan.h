#ifndef TWEEDIE_CORE_PLAN_UNET_PLAN_H_
#define TWEEDIE_CORE_PLAN_UNET_PLAN_H_

#include <array>
#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/nn/unet.h"
#include "core/plan/ops/op.h"
#include "core/plan/ops/packed_weights.h"
#include "core/plan/plan_writer.h"
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
  // `factors`: of what convolutions and attention multiply; with kBfloat16 the first
  // convolution, sums, norms and time vectors are float32 nevertheless. The network's
  // parameters are float32; only what Embed() needs is read after that, but for
  // MakeWithGradients().
  static absl::StatusOr<std::unique_ptr<const UnetPlan>> Make(
      std::shared_ptr<const nn::UnetImpl> network, const std::array<int64_t, 2>& image_size,
      Type factors = Type::kFloat32);
  // The same with the backward pass by x, for which features are kept in a larger arena. The
  // plans share weights. `plan` and the network's parameters are float32.
  static absl::StatusOr<std::unique_ptr<const UnetPlan>> MakeWithGradients(const UnetPlan& plan);

  const Ops& ops() const { return written_.ops; }
  // From Row::out_gradient to Row::x_gradient, once ops() are done, and only once: they use up
  // what is there. Empty without gradients.
  const Ops& gradient_ops() const { return written_.gradient_ops; }
  // Of all parameters, as they are packed, about; with gradients, for both passes.
  int64_t weight_bytes() const { return weight_bytes_; }
  int64_t arena_floats() const { return written_.arena_floats; }
  int64_t arena_bytes() const { return arena_floats() * static_cast<int64_t>(sizeof(float)); }
  const TimeVectors& time_vectors() const { return *time_vectors_; }

 private:
  UnetPlan() = default;
  // Throws c10::Error and dnnl::error.
  void Build(Type factors, bool gradients);

  std::shared_ptr<const nn::UnetImpl> network_;
  std::array<int64_t, 2> image_size_ = {};
  // Used while plans are made, by one thread.
  std::shared_ptr<PackedWeights> packed_;
  std::shared_ptr<const TimeVectors> time_vectors_;
  int64_t weight_bytes_ = 0;
  PlanWriter::Written written_ = {};
};

}  // namespace tweedie::plan

#endif  // TWEEDIE_CORE_PLAN_UNET_PLAN_H_
