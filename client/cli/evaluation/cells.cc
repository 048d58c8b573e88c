#include "client/cli/evaluation/cells.h"

#include <openssl/sha.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "client/cli/manual/mistakes.h"
#include "client/cli/measurement_options.h"
#include "client/cli/methods/methods.h"
#include "client/cli/nearest.h"
#include "core/base/status_macros.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"

namespace tweedie::cli {
namespace {

// Parses `text` as a command line of what `add` declares.
template <typename Add>
absl::Status ParseOptions(const PlanEntry& entry, const std::string& text, const Add& add) {
  CLI::App app;
  add(&app);
  try {
    app.parse(text);
  } catch (const CLI::ParseError& error) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", entry.name, "': ", ExplainMistake(app, error)));
  }
  return absl::OkStatus();
}

absl::StatusOr<OperatorOptions> ParseOperator(const PlanEntry& entry) {
  OperatorOptions options;
  const bool has_dashes = absl::StartsWith(entry.options, "-");
  RETURN_IF_ERROR(ParseOptions(entry, absl::StrCat(has_dashes ? "" : "--", entry.options),
                               [&](CLI::App* app) { AddOperatorOptions(app, &options); }));
  return options;
}

// `dps --steps 100`: the method's command and its options.
absl::StatusOr<std::unique_ptr<MethodOptions>> ParseMethod(const PlanEntry& entry) {
  const std::string text(absl::StripAsciiWhitespace(entry.options));
  const std::string name = text.substr(0, text.find(' '));
  const MethodInfo* method = FindMethod(name);
  if (method == nullptr) {
    std::vector<std::string> names;
    for (const MethodInfo* one : Methods()) names.push_back(one->name);
    return absl::InvalidArgumentError(absl::StrCat("'", entry.name, "': there is no method '", name,
                                                   "'", DidYouMean(name, names)));
  }
  std::unique_ptr<MethodOptions> options = method->make_options();
  RETURN_IF_ERROR(
      ParseOptions(entry, text.substr(name.size()), [&](CLI::App* app) { options->AddTo(app); }));
  return options;
}

// The same bytes for the same message, whoever writes them.
std::string Serialize(const google::protobuf::Message& message) {
  std::string bytes;
  google::protobuf::io::StringOutputStream stream(&bytes);
  google::protobuf::io::CodedOutputStream coded(&stream);
  coded.SetSerializationDeterministic(true);
  message.SerializeToCodedStream(&coded);
  coded.Trim();
  return bytes;
}

std::string JobIdOf(const v1::CreateJobRequest& request) {
  const std::string bytes = Serialize(request);
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest);
  const absl::string_view half(reinterpret_cast<const char*>(digest), sizeof(digest) / 2);
  return absl::StrCat("evaluate-", absl::BytesToHexString(half));
}

std::string NoiseText(const OperatorOptions& options) {
  if (options.poisson) return absl::StrCat("poisson ", *options.poisson);
  return absl::StrCat(options.noise.value_or(0));
}

// At most what a label may hold.
std::string LabelOf(const std::string& text) { return text.substr(0, 255); }

// Makes cells of one plan.
class CellMaker {
 public:
  CellMaker(const EvaluationPlan& plan, const std::vector<std::string>& files, std::string model)
      : plan_(plan), files_(files), model_(std::move(model)) {}

  absl::Status AddOperator(const PlanEntry& entry) {
    ASSIGN_OR_RETURN(OperatorOptions options, ParseOperator(entry));
    if (options.noise || options.poisson) return AddProblem(entry, options);
    for (const double sigma : plan_.noise) {
      options.noise = sigma;
      RETURN_IF_ERROR(AddProblem(entry, options));
    }
    return absl::OkStatus();
  }
  std::vector<Cell> Take() { return std::move(cells_); }

 private:
  absl::Status AddProblem(const PlanEntry& entry, const OperatorOptions& options) {
    for (const PlanEntry& method : plan_.methods) {
      const auto& only = method.operators;
      if (!only.empty() && std::find(only.begin(), only.end(), entry.name) == only.end()) continue;
      ASSIGN_OR_RETURN(Cell cell, MakeCell(method, entry, options));
      cells_.push_back(std::move(cell));
    }
    return absl::OkStatus();
  }

  absl::StatusOr<Cell> MakeCell(const PlanEntry& method, const PlanEntry& entry,
                                const OperatorOptions& options) {
    Cell cell{method.name, entry.name, NoiseText(options), {}};
    ASSIGN_OR_RETURN(const std::unique_ptr<MethodOptions> method_options, ParseMethod(method));
    MeasurementOptions measurement;
    measurement.forward_operator = options;
    const auto images = static_cast<size_t>(method.images.value_or(plan_.images));
    measurement.simulate_from.assign(files_.begin(),
                                     files_.begin() + std::min(images, files_.size()));
    v1::Job& job = *cell.request.mutable_job();
    const absl::Status set = method_options->SetTask(measurement, &job);
    if (!set.ok())
      return absl::Status(
          set.code(), absl::StrCat("'", method.name, "' for '", entry.name, "': ", set.message()));
    job.set_model(model_);
    job.set_seed(plan_.seed);
    job.set_priority(v1::Job::BATCH);
    (*job.mutable_labels())["evaluate.method"] = LabelOf(cell.method);
    (*job.mutable_labels())["evaluate.operator"] = LabelOf(cell.forward_operator);
    (*job.mutable_labels())["evaluate.noise"] = LabelOf(cell.noise);
    cell.request.set_job_id(JobIdOf(cell.request));
    return cell;
  }

  const EvaluationPlan& plan_;
  const std::vector<std::string>& files_;
  const std::string model_;
  std::vector<Cell> cells_;
};

}  // namespace

std::string ProblemOf(const Cell& cell) {
  return absl::StrCat(cell.forward_operator, ", noise ", cell.noise);
}

absl::StatusOr<std::vector<Cell>> MakeCells(const EvaluationPlan& plan,
                                            const std::vector<std::string>& files,
                                            const std::string& model) {
  RETURN_IF_ERROR(CheckPlan(plan));
  CellMaker maker(plan, files, model);
  for (const PlanEntry& entry : plan.operators) RETURN_IF_ERROR(maker.AddOperator(entry));
  return maker.Take();
}

}  // namespace tweedie::cli
