#ifndef TWEEDIE_CORE_ENGINE_RESIDENT_JOB_H_
#define TWEEDIE_CORE_ENGINE_RESIDENT_JOB_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "core/diffusion/denoiser.h"
#include "core/engine/frame_sink.h"
#include "core/methods/method.h"

namespace tweedie {

// What is handed to the engine.
struct EngineJob {
  JobId id;
  std::unique_ptr<Method> method;
  Denoiser* denoiser = nullptr;  // outlives the job
  std::string creator;           // for fairness
  double weight = 1;             // share of the device; above 0
};

// A job in the engine: its query, and the rows of it that have been evaluated.
// Not thread-safe.
class ResidentJob {
 public:
  // The method must not be finished.
  explicit ResidentJob(EngineJob job);

  const EngineJob& job() const { return job_; }
  int64_t rows_left() const { return query_.x.size(0) - rows_done_; }
  bool complete() const { return rows_left() == 0; }

  // The next `rows` rows to evaluate, all at this job's timestep.
  DenoiserInput NextRows(int64_t rows) const;
  // Their predictions, [rows, C', H, W].
  void Accept(const at::Tensor& prediction);
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
};

}  // namespace tweedie

#endif  // TWEEDIE_CORE_ENGINE_RESIDENT_JOB_H_
