#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "client/cli/commands.h"
#include "client/cli/exit_code.h"
#include "client/cli/fetch.h"
#include "client/cli/follow.h"
#include "client/cli/job_text.h"
#include "client/cli/json.h"
#include "client/cli/names.h"
#include "client/cli/preview/preview.h"
#include "client/cli/session.h"
#include "client/cli/waiting.h"
#include "core/base/status_macros.h"

namespace tweedie::cli {
namespace {

struct GetOptions {
  std::string name;
  bool wait = false;
  OutputOptions output;
};

absl::StatusOr<int> Get(const GetOptions& options, Session& session) {
  ASSIGN_OR_RETURN(v1::Job job, session.client().GetJob(JobName(options.name)));
  if (options.wait) {
    ASSIGN_OR_RETURN(job, WaitForEnd(session.client(), job));
  }
  session.Result(session.json() ? ToJson(job) : DescribeJob(job));
  if (job.state() == v1::Job::SUCCEEDED) ShowPreview(session, job);
  if (options.output.out.empty()) return kOk;
  ASSIGN_OR_RETURN(const std::string written, FetchImages(session.client(), job, options.output));
  session.Note(written);
  return kOk;
}

}  // namespace

void AddGet(CLI::App* app, Command* selected) {
  auto options = std::make_shared<GetOptions>();
  CLI::App* command = app->add_subcommand("get", "Show a job, and fetch its images with --out");
  command->add_option("job", options->name, "The job's name")->type_name(kJobType)->required();
  command->add_flag("--wait", options->wait, "Wait until the job has ended");
  AddOutOption(command, &options->output);
  command->footer("Example: tweedie get jobs/abc123 --out images");
  command->callback([=] { *selected = [=](Session& session) { return Get(*options, session); }; });
}

}  // namespace tweedie::cli
