#ifndef TWEEDIE_SERVER_CONVERT_TENSOR_PROTO_H_
#define TWEEDIE_SERVER_CONVERT_TENSOR_PROTO_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tweedie/v1/tensor.pb.h"

namespace tweedie {

// What a tensor of a request may be, besides well-formed.
struct TensorRule {
  int min_rank = 1;
  int max_rank = 5;
  // Whether UINT8 says anything: it stands for [-1, 1], so not for masks.
  bool bytes = false;
};

// Reads `tensor` as float32 of its own shape, UINT8 as v / 127.5 - 1. Takes no
// memory before the length of the data has been found to be what the shape
// says. INVALID_ARGUMENT with the field (`data_type`, `shape`, `data`): a type
// or a rank that the rule does not allow, a size below 1, a length that does
// not fit, values that are not finite. Thread-safe.
absl::StatusOr<at::Tensor> ReadTensor(const v1::Tensor& tensor, const TensorRule& rule);

// INVALID_ARGUMENT (`shape`) unless `tensor` can be broadcast to `target` as it
// is: no more dimensions, and each 1 or the target's.
absl::Status CheckBroadcastable(const v1::Tensor& tensor, at::IntArrayRef target);

// The value in [-1, 1] that stands for `v` of 0..max_value.
float FromInteger(int v, int max_value);

// The sizes, as messages show them: `[2, 1, 32, 32]`; of many only the first.
std::string ShapeText(const v1::Tensor& tensor);

// Writes a CPU tensor, float32 or uint8 as `data_type` says. Thread-safe.
v1::Tensor WriteTensor(const at::Tensor& tensor, v1::Tensor::DataType data_type);

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_CONVERT_TENSOR_PROTO_H_
