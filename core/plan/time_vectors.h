#ifndef TWEEDIE_CORE_PLAN_TIME_VECTORS_H_
#define TWEEDIE_CORE_PLAN_TIME_VECTORS_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "core/nn/unet.h"

namespace tweedie::plan {

// All that a network makes of a timestep and a class label alone: what its residual
// blocks add or scale by, one vector. Remembered, as the rows of a job share their
// timesteps. Thread-safe.
class TimeVectors {
 public:
  // `weight` [n, width] and `bias` [n] of the blocks' projections, one behind the
  // other. The vector has one float more, the timestep itself.
  TimeVectors(std::shared_ptr<const nn::UnetImpl> network, at::Tensor weight, at::Tensor bias)
      : network_(std::move(network)), weight_(std::move(weight)), bias_(std::move(bias)) {}

  using Vector = std::shared_ptr<const std::vector<float>>;
  // Of `label` nullopt if the network has no classes. Throws c10::Error.
  Vector Get(int64_t timestep, std::optional<int64_t> label) const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  static constexpr size_t kMaxBytes = size_t{16} << 20;  // then all are forgotten

  std::vector<float> Make(int64_t timestep, std::optional<int64_t> label) const;

  const std::shared_ptr<const nn::UnetImpl> network_;
  const at::Tensor weight_, bias_;
  mutable absl::Mutex mu_;
  mutable std::map<std::pair<int64_t, std::optional<int64_t>>, Vector> known_ ABSL_GUARDED_BY(mu_);
};

}  // namespace tweedie::plan

#endif  // TWEEDIE_CORE_PLAN_TIME_VECTORS_H_
