#include "core/operators/per_image.h"

#include <ATen/ATen.h>

#include <vector>

namespace tweedie {

at::Tensor PerImage(const at::Tensor& x,
                    absl::FunctionRef<at::Tensor(const at::Tensor& image)> map) {
  std::vector<at::Tensor> results;
  for (const at::Tensor& image : x.unbind(0)) {
    results.push_back(map(image.clone(at::MemoryFormat::Contiguous)));
  }
  return at::stack(results);
}

at::Tensor Like(const at::Tensor& constant, const at::Tensor& x) {
  return constant.to(x.device(), x.scalar_type());
}

at::Tensor ComplexLike(const at::Tensor& constant, const at::Tensor& x) {
  return constant.to(x.device(), c10::toComplexType(x.scalar_type()));
}

at::Tensor Sandwich(const at::Tensor& rows, const at::Tensor& image, const at::Tensor& columns) {
  return at::matmul(Like(rows, image), at::matmul(image, Like(columns, image).t()));
}

}  // namespace tweedie
