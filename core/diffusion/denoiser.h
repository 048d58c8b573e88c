#ifndef TWEEDIE_CORE_DIFFUSION_DENOISER_H_
#define TWEEDIE_CORE_DIFFUSION_DENOISER_H_

#include <ATen/core/Tensor.h>

namespace tweedie {

// Rows to evaluate. Row i is an image x[i] at timestep t[i]; rows are
// independent of each other.
struct DenoiserInput {
  at::Tensor x;             // [B, C, H, W], float32
  at::Tensor t;             // [B], int64
  at::Tensor class_labels;  // [B], int64; undefined if the model has no classes
};

// A denoising network, resident on its device. Not thread-safe: the engine
// thread owns it. May throw c10::Error, which the engine catches.
class Denoiser {
 public:
  virtual ~Denoiser() = default;
  // Returns the network's output, [B, C', H, W], C' = C or, with a learned
  // variance, 2C.
  virtual at::Tensor Predict(const DenoiserInput& input) = 0;
};

}  // namespace tweedie

#endif  // TWEEDIE_CORE_DIFFUSION_DENOISER_H_
