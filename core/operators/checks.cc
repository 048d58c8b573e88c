#include "core/operators/checks.h"

#include <ATen/ATen.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/field_error.h"
#include "core/base/status_macros.h"

namespace tweedie {
namespace {

std::string ShapeText(at::IntArrayRef shape) {
  return absl::StrCat("[", absl::StrJoin(shape, ", "), "]");
}

bool Broadcasts(at::IntArrayRef from, at::IntArrayRef to) {
  if (from.size() > to.size()) return false;
  const at::IntArrayRef last = to.slice(to.size() - from.size());
  for (size_t i = 0; i < from.size(); ++i) {
    if (from[i] != 1 && from[i] != last[i]) return false;
  }
  return true;
}

at::Tensor WithoutLeadingOnes(at::Tensor tensor, size_t most_sides) {
  while (tensor.sizes().size() > most_sides && tensor.size(0) == 1) tensor = tensor.squeeze(0);
  return tensor;
}

}  // namespace

absl::Status CheckValues(absl::string_view field, const at::Tensor& tensor) {
  if (!tensor.defined()) return FieldError(field, "is required");
  if (tensor.scalar_type() != at::kFloat) return FieldError(field, "must be float32");
  if (tensor.isfinite().all().item<bool>()) return absl::OkStatus();
  return FieldError(field, "must be finite");
}

absl::Status CheckRows(absl::string_view field, const at::Tensor& tensor, at::IntArrayRef shape) {
  if (!tensor.defined()) return FieldError(field, "is required");
  const at::IntArrayRef sizes = tensor.sizes();
  if (sizes.size() != shape.size() + 1 || sizes[0] < 1 || sizes.slice(1) != shape) {
    return FieldError(field, absl::StrCat("must have shape [N, ", absl::StrJoin(shape, ", "),
                                          "]; was ", ShapeText(sizes)));
  }
  return CheckValues(field, tensor);
}

absl::StatusOr<at::Tensor> ReadMask(absl::string_view field, const at::Tensor& mask,
                                    at::IntArrayRef shape) {
  RETURN_IF_ERROR(CheckValues(field, mask));
  const at::Tensor shorter = WithoutLeadingOnes(mask, shape.size());
  if (!Broadcasts(shorter.sizes(), shape)) {
    return FieldError(field, absl::StrCat("must be broadcastable to ", ShapeText(shape), "; was ",
                                          ShapeText(mask.sizes())));
  }
  const at::Tensor odd = mask.masked_select(mask.ne(0).logical_and(mask.ne(1)));
  if (odd.numel() > 0) {
    return FieldError(field, absl::StrCat("must hold only 0 and 1; had ", odd[0].item<float>()));
  }
  if (!mask.any().item<bool>()) return FieldError(field, "must keep something; was 0 everywhere");
  return shorter.to(at::kDouble).expand(shape).contiguous();
}

absl::Status CheckDivides(absl::string_view field, int64_t divisor,
                          const ImageShape3& image_shape) {
  if (divisor < 2) return FieldError(field, absl::StrCat("must be at least 2; was ", divisor));
  const auto [channels, height, width] = image_shape;
  if (height % divisor == 0 && width % divisor == 0) return absl::OkStatus();
  return FieldError(field, absl::StrCat("must divide the image's height ", height, " and width ",
                                        width, "; was ", divisor));
}

absl::Status CheckInRange(absl::string_view field, int64_t value, int64_t low, int64_t high) {
  if (value >= low && value <= high) return absl::OkStatus();
  return FieldError(field, absl::StrCat("must be in [", low, ", ", high, "]; was ", value));
}

}  // namespace tweedie
