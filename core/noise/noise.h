#ifndef TWEEDIE_CORE_NOISE_NOISE_H_
#define TWEEDIE_CORE_NOISE_NOISE_H_

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "absl/types/span.h"

namespace tweedie {

// What a job's noise is for. Values are part of the noise contract: they may be
// added to, never changed. `kLangevin` and later purposes that draw several
// times a step put the inner index into the upper half of the purpose word.
enum class NoisePurpose : uint32_t {
  kInitial = 0,      // x_T
  kStep = 1,         // the noise of one step of a reverse process
  kGuide = 2,        // noising given images (denoise with add_noise, SDEdit)
  kOperator = 3,     // random masks and kernels
  kMeasurement = 4,  // simulated measurement noise
  kLangevin = 5,
  kRenoise = 6,
};

// Where in a job a block of noise belongs. `step` counts a job's steps from 0.
struct NoiseKey {
  uint64_t seed = 0;
  uint32_t image = 0;
  uint32_t step = 0;
  NoisePurpose purpose = NoisePurpose::kInitial;
  uint32_t inner = 0;  // below 2^16
};

// Fills `out` with independent standard normals, a pure function of `key` and
// the place in `out`: the same bits on every CPU, in any batch, after any
// restart. Philox4x32-10 counters (Salmon et al., 2011) and a transform made of
// correctly rounded operations only. Thread-safe.
void FillNormals(const NoiseKey& key, absl::Span<float> out);

// Returns normals [num_images, C, H, W] on the CPU, row i for image
// `key.image + i`.
at::Tensor Normals(const NoiseKey& key, int64_t num_images, at::IntArrayRef image_shape);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_NOISE_NOISE_H_
