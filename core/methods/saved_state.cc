#include "core/methods/saved_state.h"

#include <ATen/ATen.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/methods/estimate.h"

namespace tweedie {

absl::StatusOr<at::Tensor> SavedTensor(const MethodState& saved, const std::string& name,
                                       const at::Tensor& like) {
  const auto it = saved.tensors.find(name);
  if (it == saved.tensors.end()) {
    return absl::DataLossError(absl::StrCat("saved state has no tensor ", name));
  }
  const at::Tensor& tensor = it->second;
  if (!tensor.defined() || tensor.sizes() != like.sizes() ||
      tensor.scalar_type() != like.scalar_type()) {
    return absl::DataLossError(absl::StrCat("tensor ", name, " of the saved state must be float [",
                                            absl::StrJoin(like.sizes(), ", "), "]"));
  }
  if (!AllFinite(tensor)) {
    return absl::DataLossError(absl::StrCat("tensor ", name, " of the saved state is not finite"));
  }
  return tensor.to(like.device()).contiguous();
}

absl::StatusOr<size_t> SavedStep(const MethodState& saved, size_t num_steps) {
  if (saved.step >= 0 && saved.step <= static_cast<int64_t>(num_steps)) {
    return static_cast<size_t>(saved.step);
  }
  return absl::DataLossError(
      absl::StrCat("step of the saved state must be in 0..", num_steps, "; was ", saved.step));
}

}  // namespace tweedie
