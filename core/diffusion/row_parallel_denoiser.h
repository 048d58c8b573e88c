#ifndef TWEEDIE_CORE_DIFFUSION_ROW_PARALLEL_DENOISER_H_
#define TWEEDIE_CORE_DIFFUSION_ROW_PARALLEL_DENOISER_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <exception>
#include <memory>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "core/diffusion/denoiser.h"

namespace tweedie {

namespace nn {
class Network;
}

// Strict mode, on the CPU: every row is evaluated alone, with single-threaded
// kernels, and rows are spread over threads that this owns. So a row's bits do
// not depend on its batch mates, on its place among them, or on the number of
// threads. Not thread-safe.
class RowParallelDenoiser final : public Denoiser {
 public:
  // `network` is on the CPU and nobody changes it meanwhile. num_threads >= 1.
  // Makes one thread LibTorch's default for threads that have not used it yet,
  // in the whole process: LibTorch has no narrower setting.
  RowParallelDenoiser(std::shared_ptr<nn::Network> network, int num_threads);
  ~RowParallelDenoiser() override;

  // Inputs and result are on the CPU; keeps no graph. Rethrows what the first
  // row that failed threw, once all rows are done.
  at::Tensor Predict(const DenoiserInput& input) override ABSL_LOCKS_EXCLUDED(mu_);
  // The same for the gradient: each row has its own backward pass, on the worker
  // that evaluated it, and its graph is freed before the worker takes another;
  // so there are never more graphs than threads. The loss is called on the
  // workers, for one row at a time.
  Differentiated PredictWithGradient(const DenoiserInput& input, const RowLoss& loss) override
      ABSL_LOCKS_EXCLUDED(mu_);

 private:
  // The call in progress. Tensors are the caller's; workers only read handles.
  struct Call {
    DenoiserInput input;
    at::Tensor output;              // [B, C', H, W]; a worker writes its own rows
    const RowLoss* loss = nullptr;  // the caller's; null if no gradient is wanted
    at::Tensor gradient;            // [B, C, H, W] with a loss; written like output
    int64_t num_rows = 0;
    int64_t next_row = 0;  // the next to hand out
    int64_t rows_done = 0;
    int64_t failed_row = 0;  // the first, if there is an error
    std::exception_ptr error;
  };

  Differentiated Run(const DenoiserInput& input, const RowLoss* loss) ABSL_LOCKS_EXCLUDED(mu_);
  void Work() ABSL_LOCKS_EXCLUDED(mu_);
  // Of a copy of the handles of `call_`.
  void EvaluateRow(const Call& call, int64_t row) const;
  at::Tensor Forward(const DenoiserInput& input, const at::Tensor& x, int64_t row) const;
  bool HasWork() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return stopping_ || call_.next_row < call_.num_rows;
  }
  bool IsDone() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return call_.rows_done == call_.num_rows;
  }

  const std::shared_ptr<nn::Network> network_;
  absl::Mutex mu_;
  Call call_ ABSL_GUARDED_BY(mu_);
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::vector<std::thread> workers_;
};

}  // namespace tweedie

#endif  // TWEEDIE_CORE_DIFFUSION_ROW_PARALLEL_DENOISER_H_
