#ifndef TWEEDIE_CORE_WEIGHTS_DIALECTS_TENSOR_SHAPES_H_
#define TWEEDIE_CORE_WEIGHTS_DIALECTS_TENSOR_SHAPES_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "core/weights/dialects/state_dict.h"

namespace tweedie {

// Reads sizes of tensors by name, for telling a network's shape from its file.
// The first problem (no such tensor, no such dimension, a size of 0 or beyond
// 2^20) is kept as INVALID_ARGUMENT, and sizes are 1 from then on. Holds a
// reference. Not thread-safe.
class TensorShapes {
 public:
  explicit TensorShapes(const Tensors& tensors) : tensors_(tensors) {}

  bool Has(absl::string_view name) const { return tensors_.count(std::string(name)) > 0; }
  int64_t Size(absl::string_view name, int64_t dimension);
  // How many of prefix 0 suffix, prefix 1 suffix, ... there are, up to `limit`.
  int64_t Count(absl::string_view prefix, absl::string_view suffix, int64_t limit) const;
  const absl::Status& status() const { return status_; }

 private:
  const Tensors& tensors_;
  absl::Status status_;
};

}  // namespace tweedie

#endif  // TWEEDIE_CORE_WEIGHTS_DIALECTS_TENSOR_SHAPES_H_
