#include "core/engine/batch.h"

#include <ATen/ATen.h>

#include <exception>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"

namespace tweedie {
namespace {

at::Tensor CatOrOnly(const std::vector<at::Tensor>& tensors) {
  return tensors.size() == 1 ? tensors[0] : at::cat(tensors);
}

DenoiserInput Pack(const std::vector<BatchPart>& parts) {
  std::vector<at::Tensor> x, t, class_labels;
  for (const BatchPart& part : parts) {
    const DenoiserInput rows = part.job->NextRows(part.rows);
    x.push_back(rows.x);
    t.push_back(rows.t);
    if (rows.class_labels.defined()) class_labels.push_back(rows.class_labels);
  }
  DenoiserInput input;
  input.x = CatOrOnly(x);
  input.t = CatOrOnly(t);
  if (!class_labels.empty()) input.class_labels = CatOrOnly(class_labels);
  return input;
}

absl::StatusOr<at::Tensor> Predict(const std::vector<BatchPart>& parts) {
  try {
    return parts[0].job->job().denoiser->Predict(Pack(parts));
  } catch (const std::exception& error) {
    return absl::InternalError(absl::StrCat("the network call failed: ", error.what()));
  }
}

absl::Status EvaluateTogether(std::vector<BatchPart>& parts) {
  ASSIGN_OR_RETURN(const at::Tensor prediction, Predict(parts));
  int64_t row = 0;
  for (BatchPart& part : parts) {
    part.job->Accept(prediction.narrow(0, row, part.rows));
    row += part.rows;
  }
  return absl::OkStatus();
}

}  // namespace

void EvaluateBatch(std::vector<BatchPart>& parts) {
  const absl::Status together = EvaluateTogether(parts);
  if (together.ok()) return;
  if (parts.size() == 1) {
    parts[0].status = together;
    return;
  }
  for (BatchPart& part : parts) {
    std::vector<BatchPart> alone = {part};
    part.status = EvaluateTogether(alone);
  }
}

}  // namespace tweedie
