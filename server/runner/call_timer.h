#ifndef TWEEDIE_SERVER_RUNNER_CALL_TIMER_H_
#define TWEEDIE_SERVER_RUNNER_CALL_TIMER_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/diffusion/denoiser.h"
#include "core/diffusion/diffusion_model.h"
#include "core/engine/batch_sizes.h"

namespace tweedie {

// Measures what calls of a network take by their rows: 1, 2, 4 and so on to the largest,
// with gradients half as many. Bit by bit, so that jobs need not wait for all of it.
// For the denoiser's thread.
class CallTimer {
 public:
  struct Options {
    int64_t max_rows = 16;
    // Once the calls without gradients have taken so long, larger ones are not measured,
    // and none again; likewise those with.
    absl::Duration patience = absl::Seconds(3);
  };
  // Both outlive it.
  CallTimer(Denoiser* denoiser, const DiffusionModel* model, const Options& options);

  // Makes a call. False once all is known, or a call failed; memory that does not suffice
  // for more rows is no failure.
  absl::StatusOr<bool> MeasureOne();
  // What is known, once MeasureOne() says false.
  absl::StatusOr<BatchSizes> Sizes() const { return BatchSizes::Make(plain_, gradient_); }

 private:
  CostCurve& curve() { return with_gradient_ ? gradient_ : plain_; }
  const CostCurve& curve() const { return with_gradient_ ? gradient_ : plain_; }
  void Call(int64_t rows);
  // The size that the first pass comes to.
  int64_t NextSize() const;
  int64_t MostRows() const;
  bool IsLate() const;
  void Note(int64_t rows, double seconds);
  void EndPass();
  // From plain calls to those with gradients.
  void EndCurve();

  Denoiser* const denoiser_;
  const DiffusionModel* const model_;
  const Options options_;
  CostCurve plain_, gradient_;  // the shortest of the calls so far
  // What is measured now.
  bool with_gradient_ = false;
  bool done_ = false;
  int pass_ = 0;      // through all sizes; the first finds out which there are
  size_t next_ = 0;   // in the curve; its size: a new one
  double spent_ = 0;  // seconds, of this curve
};

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_RUNNER_CALL_TIMER_H_
