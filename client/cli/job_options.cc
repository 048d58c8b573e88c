#include "client/cli/job_options.h"

#include <CLI/CLI.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/cli/names.h"
#include "client/cli/one_of.h"
#include "client/cli/session.h"
#include "core/base/status_macros.h"

namespace tweedie::cli {
namespace {

constexpr char kGroup[] = "Job";

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

void AddJobOptions(CLI::App* command, JobOptions* options) {
  command->add_option("--model", options->model, "The model; by default the server's only one")
      ->group(kGroup);
  // Without the check -1 would be read as 2^64 - 1.
  command->add_option("--seed", options->seed, "Seed of the noise; by default the server's choice")
      ->check(CLI::NonNegativeNumber)
      ->group(kGroup);
  command->add_option("--priority", options->priority, "Who goes first; normal by default")
      ->check(OneOf({"batch", "normal", "interactive"}))
      ->group(kGroup);
  command->add_option("--label", options->labels, "A label of the job; may be given several times")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false)
      ->group(kGroup);
  command
      ->add_option("--class-label", options->class_labels,
                   "Class for a class-conditional model: one for all images, or one an image")
      ->group(kGroup);
}

void AddIdOptions(CLI::App* command, IdOptions* options) {
  command->add_option("--id", options->job_id, "The job's name; by default the server's choice")
      ->group(kGroup);
  command
      ->add_option("--request-id", options->request_id,
                   "A UUID: the same request with the same one makes no second job")
      ->group(kGroup);
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

void SetIds(const IdOptions& options, v1::CreateJobRequest* request) {
  request->set_job_id(options.job_id);
  request->set_request_id(options.request_id);
}

absl::StatusOr<v1::Job> MakeJob(const JobOptions& options, const std::string& model) {
  v1::Job job;
  job.set_model(model);
  if (options.seed) job.set_seed(*options.seed);
  if (options.priority) job.set_priority(ToPriority(*options.priority));
  RETURN_IF_ERROR(ParseLabels(options.labels, job.mutable_labels()));
  job.mutable_class_labels()->Add(options.class_labels.begin(), options.class_labels.end());
  return job;
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
