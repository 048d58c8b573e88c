#include "client/cli/job_options.h"

#include <CLI/CLI.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/cli/names.h"
#include "client/cli/session.h"
#include "core/base/status_macros.h"

namespace tweedie::cli {
namespace {

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

v1::Job::Priority ToPriority(const std::string& text) {
  if (text == "batch") return v1::Job::BATCH;
  if (text == "interactive") return v1::Job::INTERACTIVE;
  return v1::Job::NORMAL;
}

std::string ModelNames(const std::vector<v1::Model>& models) {
  return absl::StrJoin(models, ", ", [](std::string* out, const v1::Model& model) {
    absl::StrAppend(out, model.name(), model.state() == v1::Model::FAILED ? " (failed)" : "");
  });
}

}  // namespace

void AddProcessOptions(CLI::App* command, ProcessOptions* options) {
  constexpr char kGroup[] = "Reverse process";
  command
      ->add_option("--process", options->kind,
                   "ddpm (ancestral sampling), ddim, or dpm-solver (DPM-Solver++ 2M)")
      ->check(CLI::IsMember({"ddpm", "ddim", "dpm-solver"}))
      ->group(kGroup);
  command->add_option("--steps", options->steps, "Steps; by default every timestep")->group(kGroup);
  command->add_option("--eta", options->eta, "ddim: 0 is deterministic, 1 as noisy as ddpm")
      ->group(kGroup);
  command->add_option("--variance", options->variance, "ddpm: by default the model's own")
      ->check(CLI::IsMember({"fixed-small", "fixed-large", "learned-range"}))
      ->group(kGroup);
  command
      ->add_option("--spacing", options->spacing,
                   "Which timesteps are kept; by default the model's own")
      ->check(CLI::IsMember({"leading", "trailing", "linspace"}))
      ->group(kGroup);
  auto* clip = command->add_flag("--clip", options->clip, "Clip estimates of x0 to [-1, 1]");
  clip->group(kGroup);
  command
      ->add_flag("--no-clip", options->no_clip,
                 "Do not clip them; by default as the model's scheduler says")
      ->excludes(clip)
      ->group(kGroup);
}

void AddJobOptions(CLI::App* command, JobOptions* options) {
  constexpr char kGroup[] = "Job";
  command->add_option("--model", options->model, "The model; by default the server's only one")
      ->group(kGroup);
  // Without the check -1 would be read as 2^64 - 1.
  command->add_option("--seed", options->seed, "Seed of the noise; by default the server's choice")
      ->check(CLI::NonNegativeNumber)
      ->group(kGroup);
  command->add_option("--priority", options->priority, "Who goes first; normal by default")
      ->check(CLI::IsMember({"batch", "normal", "interactive"}))
      ->group(kGroup);
  command->add_option("--label", options->labels, "A label of the job; may be given several times")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false)
      ->group(kGroup);
  command
      ->add_option("--class-label", options->class_labels,
                   "Class for a class-conditional model: one for all images, or one an image")
      ->group(kGroup);
  command->add_option("--id", options->job_id, "The job's name; by default the server's choice")
      ->group(kGroup);
  command
      ->add_option("--request-id", options->request_id,
                   "A UUID: the same request with the same one makes no second job")
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

absl::Status ParseLabels(const std::vector<std::string>& pairs,
                         google::protobuf::Map<std::string, std::string>* labels) {
  for (const std::string& pair : pairs) {
    const size_t equals = pair.find('=');
    if (equals == std::string::npos) {
      return absl::InvalidArgumentError(absl::StrCat("--label must be KEY=VALUE; was ", pair));
    }
    (*labels)[pair.substr(0, equals)] = pair.substr(equals + 1);
  }
  return absl::OkStatus();
}

absl::StatusOr<v1::CreateJobRequest> MakeRequest(const JobOptions& options,
                                                 const std::string& model) {
  v1::CreateJobRequest request;
  v1::Job& job = *request.mutable_job();
  job.set_model(model);
  if (options.seed) job.set_seed(*options.seed);
  if (options.priority) job.set_priority(ToPriority(*options.priority));
  RETURN_IF_ERROR(ParseLabels(options.labels, job.mutable_labels()));
  job.mutable_class_labels()->Add(options.class_labels.begin(), options.class_labels.end());
  request.set_job_id(options.job_id);
  request.set_request_id(options.request_id);
  return request;
}

absl::StatusOr<std::string> ChooseModel(const std::vector<v1::Model>& models) {
  const v1::Model* only = nullptr;
  for (const v1::Model& model : models) {
    if (model.state() == v1::Model::FAILED) continue;
    if (only != nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat("--model is required, as the server has several: ", ModelNames(models)));
    }
    only = &model;
  }
  if (only == nullptr) {
    return absl::FailedPreconditionError(
        models.empty() ? "the server has no models"
                       : absl::StrCat("the server has no model that works: ", ModelNames(models)));
  }
  return only->name();
}

absl::StatusOr<std::string> FindModel(const JobOptions& options, Session& session) {
  if (options.model) return ModelName(*options.model);
  ASSIGN_OR_RETURN(const std::vector<v1::Model> models, session.client().ListModels());
  return ChooseModel(models);
}

}  // namespace tweedie::cli
