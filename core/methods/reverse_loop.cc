#include "core/methods/reverse_loop.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/status_macros.h"
#include "core/diffusion/prediction.h"
#include "core/methods/failure.h"
#include "core/noise/noise.h"

namespace tweedie {
namespace {

constexpr char kX[] = "x";
constexpr char kX0Hat[] = "x0_hat";

bool AllFinite(const at::Tensor& tensor) { return tensor.isfinite().all().item<bool>(); }

// Tensor `name` of `saved`, if it could be one of `like`'s values.
absl::StatusOr<at::Tensor> SavedTensor(const MethodState& saved, const std::string& name,
                                       const at::Tensor& like) {
  const auto it = saved.tensors.find(name);
  if (it == saved.tensors.end()) {
    return absl::DataLossError(absl::StrCat("saved state has no tensor ", name));
  }
  const at::Tensor& tensor = it->second;
  if (!tensor.defined() || tensor.sizes() != like.sizes() ||
      tensor.scalar_type() != like.scalar_type()) {
    return absl::DataLossError(absl::StrCat("tensor ", name, " of the saved state must be float [",
                                            absl::StrJoin(like.sizes(), ", "), "]"));
  }
  if (!AllFinite(tensor)) {
    return absl::DataLossError(absl::StrCat("tensor ", name, " of the saved state is not finite"));
  }
  return tensor.to(like.device()).contiguous();
}

}  // namespace

ReverseLoop::ReverseLoop(Options options)
    : options_(std::move(options)), x_(options_.x), x0_hat_(options_.x) {}

absl::StatusOr<std::unique_ptr<ReverseLoop>> ReverseLoop::Restore(Options options,
                                                                  const MethodState& saved) {
  auto loop = std::make_unique<ReverseLoop>(std::move(options));
  const int64_t num_steps = static_cast<int64_t>(loop->options_.timesteps.size());
  if (saved.step < 0 || saved.step > num_steps) {
    return absl::DataLossError(
        absl::StrCat("step of the saved state must be in 0..", num_steps, "; was ", saved.step));
  }
  loop->step_ = static_cast<size_t>(saved.step);
  ASSIGN_OR_RETURN(loop->x_, SavedTensor(saved, kX, loop->options_.x));
  ASSIGN_OR_RETURN(loop->x0_hat_, SavedTensor(saved, kX0Hat, loop->options_.x));
  return loop;
}

std::optional<Query> ReverseLoop::NextQuery() const {
  if (finished()) return std::nullopt;
  return Query{x_, options_.class_labels, options_.timesteps[step_]};
}

StepLevels ReverseLoop::Levels() const {
  const NoiseSchedule& schedule = options_.model->schedule;
  const std::vector<int>& timesteps = options_.timesteps;
  StepLevels levels;
  levels.alpha_bar_t = schedule.alpha_bar(timesteps[step_]);
  levels.last = step_ + 1 == timesteps.size();
  levels.alpha_bar_s = schedule.alpha_bar(levels.last ? -1 : timesteps[step_ + 1]);
  if (step_ > 0) levels.alpha_bar_before = schedule.alpha_bar(timesteps[step_ - 1]);
  return levels;
}

absl::Status ReverseLoop::CheckPrediction(const at::Tensor& prediction) const {
  if (finished()) return absl::InternalError("the process has ended");
  std::vector<int64_t> shape = x_.sizes().vec();
  if (options_.model->learned_variance) shape[1] *= 2;
  if (!prediction.defined() || prediction.sizes() != at::IntArrayRef(shape) ||
      prediction.scalar_type() != at::kFloat) {
    return absl::InternalError(
        absl::StrCat("the network's output must be float [", absl::StrJoin(shape, ", "), "]"));
  }
  if (AllFinite(prediction)) return absl::OkStatus();
  return Diverged(absl::StrCat("the network's output at timestep ", options_.timesteps[step_],
                               " is not finite"));
}

StepInput ReverseLoop::MakeInput(const at::Tensor& prediction) const {
  const DiffusionModel& model = *options_.model;
  const Prediction kind = model.scheduler.prediction;
  const int64_t channels = x_.size(1);
  StepInput in;
  in.levels = Levels();
  in.x_t = x_;
  const at::Tensor output = prediction.narrow(1, 0, channels);
  if (model.learned_variance) in.predicted_variance = prediction.narrow(1, channels, channels);
  in.x0_hat = Clip(X0HatOf(kind, output, x_, in.levels.alpha_bar_t), options_.clipping);
  in.eps = options_.clipping.kind == Clipping::Kind::kNone
               ? EpsOf(kind, output, x_, in.levels.alpha_bar_t)
               : EpsOfX0Hat(in.x0_hat, x_, in.levels.alpha_bar_t);
  if (step_ > 0) in.x0_hat_before = x0_hat_;
  if (options_.rule->Draws(in.levels)) {
    NoiseKey key;
    key.seed = options_.seed;
    key.step = static_cast<uint32_t>(step_);
    key.purpose = NoisePurpose::kStep;
    in.z = Normals(key, x_.size(0), x_.sizes().slice(1)).to(x_.device());
  }
  return in;
}

absl::Status ReverseLoop::Advance(const Evaluation& e) {
  RETURN_IF_ERROR(CheckPrediction(e.prediction));
  const StepInput in = MakeInput(e.prediction);
  at::Tensor x_s = options_.rule->Step(in).contiguous();
  if (!AllFinite(x_s)) {
    return Diverged(
        absl::StrCat("x is not finite after the step from timestep ", options_.timesteps[step_]));
  }
  x_ = std::move(x_s);
  x0_hat_ = in.x0_hat.contiguous();
  ++step_;
  return absl::OkStatus();
}

MethodProgress ReverseLoop::progress() const {
  MethodProgress progress;
  progress.step = static_cast<int>(step_);
  progress.num_steps = static_cast<int>(options_.timesteps.size());
  progress.timestep = options_.timesteps[std::max<size_t>(step_, 1) - 1];
  return progress;
}

MethodState ReverseLoop::Save() const {
  return {static_cast<int64_t>(step_), {{kX, x_}, {kX0Hat, x0_hat_}}};
}

}  // namespace tweedie
