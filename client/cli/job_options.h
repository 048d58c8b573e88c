#ifndef TWEEDIE_CLIENT_CLI_JOB_OPTIONS_H_
#define TWEEDIE_CLIENT_CLI_JOB_OPTIONS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tweedie/v1/tweedie_service.pb.h"

namespace CLI {
class App;
}  // namespace CLI

namespace tweedie::cli {

class Session;

// Options of a job of any task, as typed.
struct JobOptions {
  std::optional<std::string> model;
  std::optional<uint64_t> seed;
  std::optional<std::string> priority;  // batch, normal, interactive
  std::vector<std::string> labels;      // k=v
  std::vector<int32_t> class_labels;
};

// What a job and its request are called, as typed.
struct IdOptions {
  std::string job_id;
  std::string request_id;
};

void AddJobOptions(CLI::App* command, JobOptions* options);
void AddIdOptions(CLI::App* command, IdOptions* options);

// A job of `model`, without its task. INVALID_ARGUMENT names a label that is not
// `key=value`.
absl::StatusOr<v1::Job> MakeJob(const JobOptions& options, const std::string& model);

void SetIds(const IdOptions& options, v1::CreateJobRequest* request);

// Reads `key=value` pairs.
absl::Status ParseLabels(const std::vector<std::string>& pairs,
                         google::protobuf::Map<std::string, std::string>* labels);

// The name of the only one of `models` that works. INVALID_ARGUMENT lists them
// if there are several; FAILED_PRECONDITION says so if there is none.
absl::StatusOr<std::string> ChooseModel(const std::vector<v1::Model>& models);

// The name of the model that was asked for, or else of the server's only one.
absl::StatusOr<std::string> FindModel(const JobOptions& options, Session& session);

}  // namespace tweedie::cli

#endif  // TWEEDIE_CLIENT_CLI_JOB_OPTIONS_H_
