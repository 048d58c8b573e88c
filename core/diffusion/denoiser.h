#ifndef TWEEDIE_CORE_DIFFUSION_DENOISER_H_
#define TWEEDIE_CORE_DIFFUSION_DENOISER_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>

namespace tweedie {

// Rows to evaluate. Row i is an image x[i] at timestep t[i]; rows are
// independent of each other.
struct DenoiserInput {
  at::Tensor x;             // [B, C, H, W], float32
  at::Tensor t;             // [B], int64
  at::Tensor class_labels;  // [B], int64; undefined if the model has no classes
};

// One scalar a row, [n], of rows [first_row, first_row + n) of a call, from their
// x [n, C, H, W] and the network's output [n, C', H, W], whose graph is kept; both
// contiguous, on the device of the call's x. A row's scalar depends on that row
// alone. May be called by several threads at once.
using RowLoss =
    std::function<at::Tensor(int64_t first_row, const at::Tensor& x, const at::Tensor& prediction)>;

// The network's output and the gradient of the loss with respect to x,
// [B, C, H, W]. Neither keeps a graph.
struct Differentiated {
  at::Tensor prediction;
  at::Tensor gradient;
};

// A denoising network, resident on its device. Not thread-safe: the engine
// thread owns it. May throw c10::Error, which the engine catches.
class Denoiser {
 public:
  virtual ~Denoiser() = default;
  // Returns the network's output, [B, C', H, W], C' = C or, with a learned
  // variance, 2C.
  virtual at::Tensor Predict(const DenoiserInput& input) = 0;
  // The same, and the gradient of the sum of `loss` over the rows, by one
  // backward pass. Costs about three calls of Predict(), and keeps the
  // activations of the rows that it has in hand meanwhile.
  virtual Differentiated PredictWithGradient(const DenoiserInput& input, const RowLoss& loss) = 0;
};

}  // namespace tweedie

#endif  // TWEEDIE_CORE_DIFFUSION_DENOISER_H_
