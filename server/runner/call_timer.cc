#include "server/runner/call_timer.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <exception>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "core/engine/call_failure.h"

namespace tweedie {
namespace {

// The first of a size does not count: it makes what later ones find made.
constexpr int kCallsOfSize = 4;

at::Tensor SquaredNorm(int64_t /*first_row*/, const at::Tensor& /*x*/, const at::Tensor& output) {
  return output.flatten(1).square().sum(1);
}

}  // namespace

CallTimer::CallTimer(Denoiser* denoiser, const DiffusionModel* model, const Options& options)
    : denoiser_(denoiser), model_(model), options_(options) {}

void CallTimer::Call() {
  const auto [channels, height, width] = model_->image_shape;
  DenoiserInput input;
  input.x = at::zeros({rows_, channels, height, width});
  input.t = at::zeros({rows_}, at::kLong);
  if (model_->num_classes > 0) input.class_labels = at::zeros({rows_}, at::kLong);
  if (with_gradient_) {
    denoiser_->PredictWithGradient(input, SquaredNorm);
  } else {
    denoiser_->Predict(input);
  }
}

absl::StatusOr<bool> CallTimer::MeasureOne() {
  if (done_) return false;
  const absl::Time begin = absl::Now();
  try {
    Call();
  } catch (const std::exception&) {
    const absl::Status failure = CaughtFailure(absl::StrCat("a call of ", rows_, " rows"));
    if (!IsOutOfMemory(failure) || curve().empty()) return failure;
    EndCurve();
    return !done_;
  }
  Note(absl::ToDoubleSeconds(absl::Now() - begin));
  return !done_;
}

void CallTimer::Note(double seconds) {
  spent_ += seconds;
  ++calls_;
  if (calls_ > 1) best_ = calls_ == 2 ? seconds : std::min(best_, seconds);
  const bool is_late = spent_ > absl::ToDoubleSeconds(options_.patience);
  if (calls_ == kCallsOfSize || (is_late && calls_ > 1)) GoOn();
}

void CallTimer::GoOn() {
  curve().push_back({rows_, best_});
  const bool is_late = spent_ > absl::ToDoubleSeconds(options_.patience);
  const int64_t most = with_gradient_ ? options_.max_rows / 2 : options_.max_rows;
  if (is_late || rows_ >= most) return EndCurve();
  rows_ = std::min(2 * rows_, most);
  calls_ = 0;
}

void CallTimer::EndCurve() {
  done_ = with_gradient_;
  with_gradient_ = true;
  rows_ = 1;
  calls_ = 0;
  spent_ = 0;
}

}  // namespace tweedie
