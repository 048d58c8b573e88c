#include "client/cli/process_options.h"

#include <CLI/CLI.hpp>

#include "client/cli/one_of.h"

namespace tweedie::cli {
namespace {

constexpr char kGroup[] = "Reverse process";

v1::ReverseProcess::Kind ToKind(const std::string& text) {
  if (text == "ddim") return v1::ReverseProcess::DDIM;
  if (text == "dpm-solver") return v1::ReverseProcess::DPM_SOLVER_PP_2M;
  return v1::ReverseProcess::DDPM;
}

v1::ReverseProcess::Variance ToVariance(const std::string& text) {
  if (text == "fixed-small") return v1::ReverseProcess::FIXED_SMALL;
  if (text == "fixed-large") return v1::ReverseProcess::FIXED_LARGE;
  return v1::ReverseProcess::LEARNED_RANGE;
}

v1::ReverseProcess::Spacing ToSpacing(const std::string& text) {
  if (text == "leading") return v1::ReverseProcess::LEADING;
  if (text == "trailing") return v1::ReverseProcess::TRAILING;
  return v1::ReverseProcess::LINSPACE;
}

}  // namespace

void AddProcessOptions(CLI::App* command, ProcessOptions* options) {
  command
      ->add_option("--process", options->kind,
                   "ddpm (ancestral sampling), ddim, or dpm-solver (DPM-Solver++ 2M)")
      ->check(OneOf({"ddpm", "ddim", "dpm-solver"}))
      ->group(kGroup);
  command->add_option("--eta", options->eta, "ddim: 0 is deterministic, 1 as noisy as ddpm")
      ->group(kGroup);
  command->add_option("--variance", options->variance, "ddpm: by default the model's own")
      ->check(OneOf({"fixed-small", "fixed-large", "learned-range"}))
      ->group(kGroup);
  AddStepOptions(command, options);
}

void AddStepOptions(CLI::App* command, ProcessOptions* options) {
  command->add_option("--steps", options->steps, "Steps; by default as the API says for the task")
      ->group(kGroup);
  command
      ->add_option("--spacing", options->spacing,
                   "Which timesteps are kept; by default the model's own")
      ->check(OneOf({"leading", "trailing", "linspace"}))
      ->group(kGroup);
  auto* clip = command->add_flag("--clip", options->clip, "Clip estimates of x0 to [-1, 1]");
  clip->group(kGroup);
  command
      ->add_flag("--no-clip", options->no_clip,
                 "Do not clip them; by default as the model's scheduler says")
      ->excludes(clip)
      ->group(kGroup);
}

bool IsSet(const ProcessOptions& options) {
  return options.kind || options.steps || options.eta || options.variance || options.spacing ||
         options.clip || options.no_clip;
}

v1::ReverseProcess MakeProcess(const ProcessOptions& options) {
  v1::ReverseProcess process;
  if (options.kind) process.set_kind(ToKind(*options.kind));
  if (options.steps) process.set_num_steps(*options.steps);
  if (options.eta) process.set_eta(*options.eta);
  if (options.variance) process.set_variance(ToVariance(*options.variance));
  if (options.spacing) process.set_spacing(ToSpacing(*options.spacing));
  if (options.clip || options.no_clip) process.set_clip_x0(options.clip);
  return process;
}

}  // namespace tweedie::cli
