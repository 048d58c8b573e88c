#include "core/plan/time_vectors.h"

#include <ATen/ATen.h>

namespace tweedie::plan {

TimeVectors::Vector TimeVectors::Get(int64_t timestep, std::optional<int64_t> label) const {
  const auto key = std::make_pair(timestep, label);
  {
    absl::MutexLock lock(&mu_);
    const auto known = known_.find(key);
    if (known != known_.end()) return known->second;
  }
  // Two threads may make the same: the same bits.
  const auto made = std::make_shared<const std::vector<float>>(Make(timestep, label));
  absl::MutexLock lock(&mu_);
  if ((known_.size() + 1) * made->size() * sizeof(float) > kMaxBytes) known_.clear();
  known_[key] = made;
  return made;
}

std::vector<float> TimeVectors::Make(int64_t timestep, std::optional<int64_t> label) const {
  const at::NoGradGuard no_grad;
  const at::Tensor t = at::full({1}, timestep, at::kLong);
  const at::Tensor labels = label ? at::full({1}, *label, at::kLong) : at::Tensor();
  const at::Tensor all = at::linear(network_->Embed(t, labels), weight_, bias_).contiguous();
  const float* values = all.const_data_ptr<float>();
  std::vector<float> vector(values, values + all.numel());
  vector.push_back(static_cast<float>(timestep));
  return vector;
}

}  // namespace tweedie::plan
