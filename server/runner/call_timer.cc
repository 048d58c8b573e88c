#include "server/runner/call_timer.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <exception>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "core/engine/call_failure.h"

namespace tweedie {
namespace {

// Sizes are called in turns, so that what else the machine does for a while meets all of
// them. The first pass does not count: it makes what later calls find made.
constexpr int kMostPasses = 12;

at::Tensor SquaredNorm(int64_t /*first_row*/, const at::Tensor& /*x*/, const at::Tensor& output) {
  return output.flatten(1).square().sum(1);
}

}  // namespace

CallTimer::CallTimer(Denoiser* denoiser, const DiffusionModel* model, const Options& options)
    : denoiser_(denoiser), model_(model), options_(options) {}

void CallTimer::Call(int64_t rows) {
  const auto [channels, height, width] = model_->image_shape;
  DenoiserInput input;
  input.x = at::zeros({rows, channels, height, width});
  input.t = at::zeros({rows}, at::kLong);
  if (model_->num_classes > 0) input.class_labels = at::zeros({rows}, at::kLong);
  if (with_gradient_) {
    denoiser_->PredictWithGradient(input, SquaredNorm);
  } else {
    denoiser_->Predict(input);
  }
}

absl::StatusOr<bool> CallTimer::MeasureOne() {
  if (done_) return false;
  const bool is_new = next_ == curve().size();
  const int64_t rows = is_new ? NextSize() : curve()[next_].rows;
  const absl::Time begin = absl::Now();
  try {
    Call(rows);
  } catch (const std::exception&) {
    const absl::Status failure = CaughtFailure(absl::StrCat("a call of ", rows, " rows"));
    if (!IsOutOfMemory(failure) || curve().empty()) return failure;
    is_new ? EndPass() : EndCurve();
    return !done_;
  }
  Note(rows, absl::ToDoubleSeconds(absl::Now() - begin));
  return !done_;
}

int64_t CallTimer::NextSize() const {
  return curve().empty() ? 1 : std::min(2 * curve().back().rows, MostRows());
}

int64_t CallTimer::MostRows() const {
  return with_gradient_ ? std::max<int64_t>(options_.max_rows / 2, 1) : options_.max_rows;
}

bool CallTimer::IsLate() const { return spent_ > absl::ToDoubleSeconds(options_.patience); }

void CallTimer::Note(int64_t rows, double seconds) {
  spent_ += seconds;
  if (next_ == curve().size()) curve().push_back({rows, seconds});
  CallCost& cost = curve()[next_++];
  cost.seconds = pass_ <= 1 ? seconds : std::min(cost.seconds, seconds);
  const bool is_last_of_first = pass_ == 0 && (IsLate() || rows >= MostRows());
  const bool is_last = pass_ > 0 && next_ == curve().size();
  if (is_last_of_first || is_last) EndPass();
}

void CallTimer::EndPass() {
  next_ = 0;
  ++pass_;
  if (pass_ == kMostPasses || (pass_ > 1 && IsLate())) EndCurve();
}

void CallTimer::EndCurve() {
  done_ = with_gradient_;
  with_gradient_ = true;
  pass_ = 0;
  spent_ = 0;
}

}  // namespace tweedie
