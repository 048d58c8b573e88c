#include "core/engine/resident_job.h"

#include <ATen/ATen.h>

#include <utility>

#include "absl/status/statusor.h"
#include "core/base/status_macros.h"

namespace tweedie {

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

void ResidentJob::Accept(const at::Tensor& prediction) {
  rows_done_ += prediction.size(0);
  predictions_.push_back(prediction);
}

absl::StatusOr<bool> ResidentJob::Advance() {
  Evaluation evaluation;
  evaluation.x = query_.x;
  evaluation.prediction = predictions_.size() == 1 ? predictions_[0] : at::cat(predictions_);
  predictions_.clear();
  rows_done_ = 0;
  RETURN_IF_ERROR(job_.method->Advance(evaluation));
  std::optional<Query> next = job_.method->NextQuery();
  if (!next.has_value()) return false;
  query_ = *std::move(next);
  return true;
}

}  // namespace tweedie
