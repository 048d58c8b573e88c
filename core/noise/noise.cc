#include "core/noise/noise.h"

#include <ATen/ATen.h>

#include <cstddef>
#include <vector>

namespace tweedie {

at::Tensor Normals(const NoiseKey& key, int64_t num_images, at::IntArrayRef image_shape) {
  std::vector<int64_t> shape = {num_images};
  shape.insert(shape.end(), image_shape.begin(), image_shape.end());
  at::Tensor normals = at::empty(shape, at::kFloat);
  const size_t size = num_images > 0 ? static_cast<size_t>(normals.numel() / num_images) : 0;
  float* const data = normals.mutable_data_ptr<float>();
  for (int64_t i = 0; i < num_images; ++i) {
    NoiseKey row = key;
    row.image += static_cast<uint32_t>(i);
    FillNormals(row, absl::MakeSpan(data + static_cast<size_t>(i) * size, size));
  }
  return normals;
}

}  // namespace tweedie
