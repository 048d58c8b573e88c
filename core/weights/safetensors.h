#ifndef TWEEDIE_CORE_WEIGHTS_SAFETENSORS_H_
#define TWEEDIE_CORE_WEIGHTS_SAFETENSORS_H_

#include <ATen/core/Tensor.h>

#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace tweedie {

// Named tensors with string metadata: weights, and also a job's inputs,
// checkpoints and results.
struct TensorFile {
  std::map<std::string, at::Tensor> tensors;
  std::map<std::string, std::string> metadata;
};

// Reads the safetensors format strictly: header bounded (16 MiB, depth 4), no
// duplicate keys, offsets contiguous from 0 without holes or overlap, sizes
// checked with overflow. `bytes` is copied from. F64, F32, F16, BF16, I64, I32,
// I16, I8, U8 and BOOL; other types are refused by name. INVALID_ARGUMENT says
// what is wrong. Thread-safe.
absl::StatusOr<TensorFile> ParseSafetensors(absl::string_view bytes);

// The file of `content`, tensors in the order of their names. CPU tensors of
// the types above; contiguous copies are made as needed. Deterministic.
std::string SerializeSafetensors(const TensorFile& content);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_WEIGHTS_SAFETENSORS_H_
