#ifndef TWEEDIE_CORE_DIFFUSION_ROW_PARALLEL_DENOISER_H_
#define TWEEDIE_CORE_DIFFUSION_ROW_PARALLEL_DENOISER_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>

#include "core/diffusion/denoiser.h"
#include "core/diffusion/precision.h"
#include "core/diffusion/row_pool.h"

namespace tweedie {

namespace nn {
class Network;
}

// Strict mode, on the CPU: every row is evaluated alone, with single-threaded
// kernels, and rows are spread over the threads of a pool. So a row's bits do not
// depend on its batch mates, on its place among them, or on the number of threads.
// Not thread-safe.
class RowParallelDenoiser final : public Denoiser {
 public:
  // `network` is on the CPU; its weights get the type of `precision`, for every holder of it,
  // and nobody changes it meanwhile. Denoisers that share `pool` are used by one thread.
  RowParallelDenoiser(std::shared_ptr<nn::Network> network, std::shared_ptr<RowPool> pool,
                      Precision precision = Precision::kFloat32);

  // Inputs and result are on the CPU; keeps no graph. Rethrows what the first
  // row that failed threw, once all rows are done.
  at::Tensor Predict(const DenoiserInput& input) override;
  // The same for the gradient: each row has its own backward pass, on the worker
  // that evaluated it, and its graph is freed before the worker takes another;
  // so there are never more graphs than threads. The loss is called on the
  // workers, for one row at a time.
  Differentiated PredictWithGradient(const DenoiserInput& input, const RowLoss& loss) override;

 private:
  // Output [1, C', H, W], float32, of one row.
  at::Tensor Forward(const DenoiserInput& input, const at::Tensor& x, int64_t row) const;
  // [B, C', H, W], not yet written.
  at::Tensor EmptyOutput(const DenoiserInput& input) const;

  const std::shared_ptr<nn::Network> network_;
  const std::shared_ptr<RowPool> pool_;
  const at::ScalarType type_;  // of weights and features
};

}  // namespace tweedie

#endif  // TWEEDIE_CORE_DIFFUSION_ROW_PARALLEL_DENOISER_H_
