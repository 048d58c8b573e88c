#include "core/methods/task_context.h"

#include <ATen/ATen.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/field_error.h"
#include "core/methods/estimate.h"
#include "core/noise/noise.h"

namespace tweedie {

at::Tensor InitialNoise(const TaskContext& context, int64_t n) {
  NoiseKey key;
  key.seed = context.seed;
  key.purpose = NoisePurpose::kInitial;
  return Normals(key, n, context.model.image_shape);
}

absl::Status CheckImages(absl::string_view field, const at::Tensor& images,
                         const DiffusionModel& model) {
  if (!images.defined()) return FieldError(field, "is required");
  const at::IntArrayRef shape(model.image_shape);
  if (images.dim() != 4 || images.size(0) < 1 || images.sizes().slice(1) != shape) {
    return FieldError(field, absl::StrCat("must have shape [N, ", absl::StrJoin(shape, ", "),
                                          "]; was [", absl::StrJoin(images.sizes(), ", "), "]"));
  }
  if (images.scalar_type() != at::kFloat) return FieldError(field, "must be float32");
  if (AllFinite(images)) return absl::OkStatus();
  return FieldError(field, "must be finite");
}

}  // namespace tweedie
