#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "client/cli/commands.h"
#include "client/cli/exit_code.h"
#include "client/cli/job_options.h"
#include "client/cli/job_text.h"
#include "client/cli/json.h"
#include "client/cli/names.h"
#include "client/cli/one_of.h"
#include "client/cli/session.h"
#include "core/base/status_macros.h"

namespace tweedie::cli {
namespace {

struct ListOptions {
  std::vector<std::string> states;
  std::vector<std::string> labels;
  std::string creator;
  std::string model;
  int limit = 50;
};

absl::StatusOr<v1::JobFilter> MakeFilter(const ListOptions& options) {
  v1::JobFilter filter;
  for (const std::string& name : options.states) {
    v1::Job::State state;
    if (v1::Job::State_Parse(absl::AsciiStrToUpper(name), &state)) filter.add_states(state);
  }
  RETURN_IF_ERROR(ParseLabels(options.labels, filter.mutable_labels()));
  filter.set_creator(options.creator);
  if (!options.model.empty()) filter.set_model(ModelName(options.model));
  return filter;
}

// The newest `limit` jobs, page by page; all if it is 0.
absl::StatusOr<std::vector<v1::Job>> FindJobs(const ListOptions& options, Session& session) {
  constexpr int kPage = 1000;
  v1::ListJobsRequest request;
  ASSIGN_OR_RETURN(*request.mutable_filter(), MakeFilter(options));
  std::vector<v1::Job> jobs;
  do {
    const int left = options.limit - static_cast<int>(jobs.size());
    request.set_page_size(options.limit == 0 ? kPage : std::min(left, kPage));
    ASSIGN_OR_RETURN(const v1::ListJobsResponse page, session.client().ListJobs(request));
    jobs.insert(jobs.end(), page.jobs().begin(), page.jobs().end());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty() &&
           (options.limit == 0 || static_cast<int>(jobs.size()) < options.limit));
  return jobs;
}

absl::StatusOr<int> List(const ListOptions& options, Session& session) {
  ASSIGN_OR_RETURN(const std::vector<v1::Job> jobs, FindJobs(options, session));
  if (session.json()) {
    for (const v1::Job& job : jobs) session.Result(ToJson(job));
  } else {
    session.Result(JobTable(jobs));
  }
  return kOk;
}

}  // namespace

void AddList(CLI::App* app, Command* selected) {
  auto options = std::make_shared<ListOptions>();
  CLI::App* command = app->add_subcommand("list", "List jobs, newest first");
  command->add_option("--state", options->states, "Only jobs in these states")
      ->transform(CLI::Validator(
          [](std::string& state) {
            absl::AsciiStrToLower(&state);
            return std::string();
          },
          ""))
      ->check(OneOf({"queued", "running", "succeeded", "failed", "cancelled"}));
  command->add_option("--label", options->labels, "Only jobs with these labels, key=value");
  command->add_option("--creator", options->creator, "Only jobs of this creator");
  command->add_option("--model", options->model, "Only jobs of this model");
  command->add_option("--limit", options->limit, "The most jobs; 0 for all")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command->footer("Example: tweedie list --state running --label project=mri");
  command->callback([=] { *selected = [=](Session& session) { return List(*options, session); }; });
}

}  // namespace tweedie::cli
