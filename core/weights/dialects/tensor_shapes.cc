#include "core/weights/dialects/tensor_shapes.h"

#include <ATen/ATen.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace tweedie {
namespace {

constexpr int64_t kMaxSize = int64_t{1} << 20;

}  // namespace

int64_t TensorShapes::Size(absl::string_view name, int64_t dimension) {
  const auto found = tensors_.find(std::string(name));
  if (found == tensors_.end()) {
    status_.Update(absl::InvalidArgumentError(absl::StrCat("tensors missing: ", name)));
    return 1;
  }
  const at::IntArrayRef sizes = found->second.sizes();
  const bool fits = dimension < static_cast<int64_t>(sizes.size()) && sizes[dimension] >= 1 &&
                    sizes[dimension] <= kMaxSize;
  if (fits) return sizes[dimension];
  status_.Update(absl::InvalidArgumentError(
      absl::StrCat("tensor ", name, " has the shape [", absl::StrJoin(sizes, ", "), "]")));
  return 1;
}

int64_t TensorShapes::Count(absl::string_view prefix, absl::string_view suffix,
                            int64_t limit) const {
  int64_t count = 0;
  while (count < limit && Has(absl::StrCat(prefix, count, suffix))) ++count;
  return count;
}

}  // namespace tweedie
