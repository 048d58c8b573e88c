#ifndef TWEEDIE_CORE_ENGINE_RESIDENT_JOB_H_
#define TWEEDIE_CORE_ENGINE_RESIDENT_JOB_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "core/diffusion/denoiser.h"
#include "core/engine/batch_sizes.h"
#include "core/engine/frame_sink.h"
#include "core/methods/method.h"

namespace tweedie {

// What is handed to the engine.
struct EngineJob {
  JobId id;
  std::unique_ptr<Method> method;
  Denoiser* denoiser = nullptr;  // outlives the job, by `keeps` if by nothing else
  std::string creator;           // for fairness
  double weight = 1;             // share of the device; above 0
  bool alone = false;            // while it is here, no other is advanced
  bool urgent = false;           // somebody waits for it: calls are kept short
  // Of the denoiser; outlives the job as the denoiser does. Null: as Engine::Options say.
  const SharedBatchSizes* sizes = nullptr;
  std::shared_ptr<const void> keeps = nullptr;
};

// A job in the engine: its query, and the rows of it that have been evaluated.
// Not thread-safe.
class ResidentJob {
 public:
  // The method must not be finished.
  explicit ResidentJob(EngineJob job);

  const EngineJob& job() const { return job_; }
  void Join() { job_.alone = false; }
  int64_t rows_left() const { return query_.x.size(0) - rows_done_; }
  bool complete() const { return rows_left() == 0; }
  // Whether the rows are to be evaluated with the gradient of GuidanceLoss().
  bool needs_gradient() const { return query_.needs_gradient; }

  // The next `rows` rows to evaluate, all at this job's timestep.
  DenoiserInput NextRows(int64_t rows) const;
  // The method's loss of rows [offset, offset + n) of those, from their x
  // [n, C, H, W] and prediction. May be called by several threads at once, not
  // beside a method that is not const.
  at::Tensor GuidanceLoss(int64_t offset, const at::Tensor& x, const at::Tensor& prediction) const;
  // Their predictions [rows, C', H, W], and gradients [rows, C, H, W], which are
  // undefined unless needs_gradient().
  void Accept(const at::Tensor& prediction, const at::Tensor& gradient);
  // Makes the method's step; complete() holds. True if the method goes on and
  // rows_left() is of the new query, false if it is finished.
  absl::StatusOr<bool> Advance();
  // Forgets rows of a step that is not whole, and gives the job back.
  EngineJob Release() && { return std::move(job_); }

 private:
  EngineJob job_;
  Query query_;
  int64_t rows_done_ = 0;
  std::vector<at::Tensor> predictions_;
  std::vector<at::Tensor> gradients_;  // empty unless needs_gradient()
};

}  // namespace tweedie

#endif  // TWEEDIE_CORE_ENGINE_RESIDENT_JOB_H_
