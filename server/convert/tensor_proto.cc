#include "server/convert/tensor_proto.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/base/field_error.h"
#include "core/base/status_macros.h"

namespace tweedie {
namespace {

static_assert(std::endian::native == std::endian::little, "tensors travel little-endian");

absl::Status CheckDataType(int data_type, bool bytes) {
  const char* const allowed = bytes ? "FLOAT32 or UINT8" : "FLOAT32";
  switch (data_type) {
    case v1::Tensor::FLOAT32:
      return absl::OkStatus();
    case v1::Tensor::UINT8:
      if (bytes) return absl::OkStatus();
      return FieldError("data_type", "must be FLOAT32 (UINT8 stands for [-1, 1]); was UINT8");
    case v1::Tensor::DATA_TYPE_UNSPECIFIED:
      return FieldError("data_type", absl::StrCat("is required: ", allowed));
    default:
      return FieldError("data_type", absl::StrCat("must be ", allowed, "; was ", data_type));
  }
}

absl::Status CheckRank(const v1::Tensor& tensor, const TensorRule& rule) {
  const int rank = tensor.shape_size();
  if (rank >= rule.min_rank && rank <= rule.max_rank) return absl::OkStatus();
  const std::string ranks = rule.min_rank == rule.max_rank
                                ? absl::StrCat(rule.min_rank)
                                : absl::StrCat(rule.min_rank, " to ", rule.max_rank);
  return FieldError("shape",
                    absl::StrCat("must have ", ranks, " dimensions; was ", ShapeText(tensor)));
}

absl::Status CheckSizes(const v1::Tensor& tensor) {
  const auto& shape = tensor.shape();
  if (std::all_of(shape.begin(), shape.end(), [](int64_t size) { return size >= 1; })) {
    return absl::OkStatus();
  }
  return FieldError("shape",
                    absl::StrCat("must have sizes of at least 1; was ", ShapeText(tensor)));
}

absl::Status WrongLength(const v1::Tensor& tensor, absl::string_view expected) {
  return FieldError("data", absl::StrCat("must be ", expected, " bytes, as the shape ",
                                         ShapeText(tensor), " says; was ", tensor.data().size()));
}

// Whether the data is as long as the shape says; sizes whose product would not
// fit into 64 bits do not.
absl::Status CheckLength(const v1::Tensor& tensor) {
  int64_t bytes = tensor.data_type() == v1::Tensor::UINT8 ? 1 : 4;
  for (const int64_t size : tensor.shape()) {
    if (__builtin_mul_overflow(bytes, size, &bytes)) return WrongLength(tensor, "over 2^63");
  }
  if (bytes == static_cast<int64_t>(tensor.data().size())) return absl::OkStatus();
  return WrongLength(tensor, absl::StrCat(bytes));
}

absl::Status CheckFinite(const at::Tensor& tensor) {
  const float* values = tensor.const_data_ptr<float>();
  for (int64_t i = 0; i < tensor.numel(); ++i) {
    if (std::isfinite(values[i])) continue;
    return FieldError("data", absl::StrCat("must be finite; element ", i, " is ", values[i]));
  }
  return absl::OkStatus();
}

}  // namespace

float FromInteger(int v, int max_value) { return static_cast<float>(v / (max_value / 2.0) - 1.0); }

std::string ShapeText(const v1::Tensor& tensor) {
  constexpr int kShown = 8;
  const auto& shape = tensor.shape();
  const int n = std::min(shape.size(), kShown);
  return absl::StrCat("[", absl::StrJoin(absl::MakeConstSpan(shape.data(), n), ", "),
                      shape.size() > n ? ", ...]" : "]");
}

absl::StatusOr<at::Tensor> ReadTensor(const v1::Tensor& tensor, const TensorRule& rule) {
  RETURN_IF_ERROR(CheckDataType(tensor.data_type(), rule.bytes));
  RETURN_IF_ERROR(CheckRank(tensor, rule));
  RETURN_IF_ERROR(CheckSizes(tensor));
  RETURN_IF_ERROR(CheckLength(tensor));
  const absl::string_view data = tensor.data();
  at::Tensor read =
      at::empty(at::IntArrayRef(tensor.shape().data(), tensor.shape().size()), at::kFloat);
  float* out = read.mutable_data_ptr<float>();
  if (tensor.data_type() == v1::Tensor::UINT8) {
    for (const char c : data) *out++ = FromInteger(static_cast<unsigned char>(c), 255);
    return read;
  }
  std::memcpy(out, data.data(), data.size());
  RETURN_IF_ERROR(CheckFinite(read));
  return read;
}

absl::Status CheckBroadcastable(const v1::Tensor& tensor, at::IntArrayRef target) {
  const auto& shape = tensor.shape();
  const int64_t leading = static_cast<int64_t>(target.size()) - shape.size();
  bool fits = leading >= 0;
  for (int i = 0; fits && i < shape.size(); ++i) {
    fits = shape[i] == 1 || shape[i] == target[static_cast<size_t>(leading + i)];
  }
  if (fits) return absl::OkStatus();
  return FieldError("shape", absl::StrCat("must be broadcastable to [", absl::StrJoin(target, ", "),
                                          "]; was ", ShapeText(tensor)));
}

v1::Tensor WriteTensor(const at::Tensor& tensor, v1::Tensor::DataType data_type) {
  v1::Tensor proto;
  proto.set_data_type(data_type);
  for (const int64_t size : tensor.sizes()) proto.add_shape(size);
  const at::Tensor dense = tensor.contiguous();
  proto.set_data(dense.const_data_ptr(), dense.nbytes());
  return proto;
}

}  // namespace tweedie
