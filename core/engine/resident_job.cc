#include "core/engine/resident_job.h"

#include <ATen/ATen.h>

#include <utility>

#include "absl/status/statusor.h"
#include "core/base/status_macros.h"

namespace tweedie {
namespace {

// All rows in one tensor; `pieces` is then empty.
at::Tensor TakeRows(std::vector<at::Tensor>* pieces) {
  const std::vector<at::Tensor> taken = std::exchange(*pieces, {});
  return taken.size() == 1 ? taken[0] : at::cat(taken);
}

}  // namespace

ResidentJob::ResidentJob(EngineJob job)
    : job_(std::move(job)), query_(job_.method->NextQuery().value()) {}

DenoiserInput ResidentJob::NextRows(int64_t rows) const {
  DenoiserInput input;
  input.x = query_.x.narrow(0, rows_done_, rows);
  input.t = at::full({rows}, query_.timestep, at::kLong);
  if (query_.class_labels.defined()) {
    input.class_labels = query_.class_labels.narrow(0, rows_done_, rows);
  }
  return input;
}

at::Tensor ResidentJob::GuidanceLoss(int64_t offset, const at::Tensor& x,
                                     const at::Tensor& prediction) const {
  at::Tensor loss = job_.method->GuidanceLoss({rows_done_ + offset, x, prediction});
  TORCH_CHECK(loss.defined() && loss.dim() == 1 && loss.size(0) == x.size(0),
              "the guidance loss must be one number for each of ", x.size(0), " rows");
  return loss;
}

void ResidentJob::Accept(const at::Tensor& prediction, const at::Tensor& gradient) {
  rows_done_ += prediction.size(0);
  predictions_.push_back(prediction);
  if (gradient.defined()) gradients_.push_back(gradient);
}

absl::StatusOr<bool> ResidentJob::Advance() {
  Evaluation evaluation;
  evaluation.x = query_.x;
  evaluation.prediction = TakeRows(&predictions_);
  if (needs_gradient()) evaluation.gradient = TakeRows(&gradients_);
  rows_done_ = 0;
  RETURN_IF_ERROR(job_.method->Advance(evaluation));
  std::optional<Query> next = job_.method->NextQuery();
  if (!next.has_value()) return false;
  query_ = *std::move(next);
  return true;
}

}  // namespace tweedie
