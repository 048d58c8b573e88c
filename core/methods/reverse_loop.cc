#include "core/methods/reverse_loop.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cstddef>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/status_macros.h"
#include "core/methods/failure.h"
#include "core/methods/noising.h"
#include "core/methods/saved_state.h"

namespace tweedie {
namespace {

constexpr char kX[] = "x";
constexpr char kX0Hat[] = "x0_hat";

}  // namespace

ReverseLoop::ReverseLoop(Options options)
    : options_(std::move(options)),
      places_(EvaluationPlaces(options_.path)),
      x_(options_.x),
      x0_hat_(options_.x) {}

absl::StatusOr<std::unique_ptr<ReverseLoop>> ReverseLoop::Restore(Options options,
                                                                  const MethodState& saved) {
  auto loop = std::make_unique<ReverseLoop>(std::move(options));
  ASSIGN_OR_RETURN(loop->step_, SavedStep(saved, loop->places_.size()));
  ASSIGN_OR_RETURN(loop->x_, SavedTensor(saved, kX, loop->options_.x));
  ASSIGN_OR_RETURN(loop->x0_hat_, SavedTensor(saved, kX0Hat, loop->options_.x));
  return loop;
}

double ReverseLoop::alpha_bar(size_t place) const {
  return options_.model->schedule.alpha_bar(options_.path[place]);
}

std::optional<Query> ReverseLoop::NextQuery() const {
  if (finished()) return std::nullopt;
  return Query{x_, options_.class_labels, timestep(), options_.rule->guided()};
}

StepLevels ReverseLoop::Levels() const {
  const size_t place = places_[step_];
  StepLevels levels;
  levels.alpha_bar_t = alpha_bar(place);
  levels.alpha_bar_s = alpha_bar(place + 1);
  levels.last = options_.path[place + 1] == -1;
  levels.step = static_cast<uint32_t>(step_);
  levels.climbs = static_cast<uint32_t>(place - step_);
  const bool after_step = step_ > 0 && places_[step_ - 1] + 1 == place;
  if (after_step) levels.alpha_bar_before = alpha_bar(place - 1);
  return levels;
}

at::Tensor ReverseLoop::GuidanceLoss(const GuidanceRows& rows) const {
  GuidedRows guided;
  guided.levels = Levels();
  guided.first_row = rows.first_row;
  guided.x_t = rows.x;
  guided.x0_hat = EstimateX0Hat(*options_.model, options_.clipping, rows.prediction, rows.x,
                                guided.levels.alpha_bar_t);
  return options_.rule->GuidanceLoss(guided);
}

absl::Status ReverseLoop::Check(const Evaluation& e) const {
  if (finished()) return absl::InternalError("the process has ended");
  RETURN_IF_ERROR(CheckPrediction(*options_.model, e.prediction, x_, timestep()));
  if (!options_.rule->guided()) return absl::OkStatus();
  if (!e.gradient.defined() || e.gradient.sizes() != x_.sizes() ||
      e.gradient.scalar_type() != at::kFloat) {
    return absl::InternalError(
        absl::StrCat("the gradient must be float [", absl::StrJoin(x_.sizes(), ", "), "]"));
  }
  if (AllFinite(e.gradient)) return absl::OkStatus();
  return Diverged(absl::StrCat("the gradient at timestep ", timestep(), " is not finite"));
}

at::Tensor ReverseLoop::Noise(NoisePurpose purpose, uint32_t step) const {
  NoiseKey key;
  key.seed = options_.seed;
  key.step = step;
  key.purpose = purpose;
  return Normals(key, x_.size(0), x_.sizes().slice(1)).to(x_.device());
}

StepInput ReverseLoop::MakeInput(const Evaluation& e) const {
  StepInput in;
  in.levels = Levels();
  const Estimate estimate =
      MakeEstimate(*options_.model, options_.clipping, e.prediction, x_, in.levels.alpha_bar_t);
  in.x_t = x_;
  in.x0_hat = estimate.x0_hat;
  in.eps = estimate.eps;
  in.predicted_variance = estimate.predicted_variance;
  if (in.levels.alpha_bar_before.has_value()) in.x0_hat_before = x0_hat_;
  if (options_.rule->Draws(in.levels)) in.z = Noise(NoisePurpose::kStep, in.levels.step);
  if (options_.rule->guided()) in.gradient = e.gradient;
  return in;
}

at::Tensor ReverseLoop::Climb(const at::Tensor& x, const StepLevels& levels) const {
  const double ratio = levels.alpha_bar_s / levels.alpha_bar_t;
  return Noised(x, ratio, Noise(options_.climb_noise, levels.climbs));
}

// From x, where step `step_` ended, to the level of the next evaluation.
at::Tensor ReverseLoop::ReachNext(StepLevels levels, at::Tensor x) const {
  const size_t end = step_ + 1 == places_.size() ? options_.path.size() - 1 : places_[step_ + 1];
  for (size_t place = places_[step_] + 1; place < end; ++place) {
    levels.alpha_bar_t = alpha_bar(place);
    levels.alpha_bar_s = alpha_bar(place + 1);
    levels.last = false;
    ++levels.climbs;
    x = Climb(x, levels);
  }
  return options_.rule->Arrive(levels, x).contiguous();
}

absl::Status ReverseLoop::Advance(const Evaluation& e) {
  RETURN_IF_ERROR(Check(e));
  const StepInput in = MakeInput(e);
  at::Tensor x_s = ReachNext(in.levels, options_.rule->Step(in));
  if (!AllFinite(x_s)) {
    return Diverged(absl::StrCat("x is not finite after the step from timestep ", timestep()));
  }
  x_ = std::move(x_s);
  x0_hat_ = in.x0_hat.contiguous();
  ++step_;
  return absl::OkStatus();
}

MethodProgress ReverseLoop::progress() const {
  MethodProgress progress;
  progress.step = static_cast<int>(step_);
  progress.num_steps = static_cast<int>(places_.size());
  progress.timestep = options_.path[places_[std::max<size_t>(step_, 1) - 1]];
  return progress;
}

MethodState ReverseLoop::Save() const {
  return {static_cast<int64_t>(step_), {{kX, x_}, {kX0Hat, x0_hat_}}};
}

}  // namespace tweedie
