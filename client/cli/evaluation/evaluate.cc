#include <CLI/CLI.hpp>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/cli/commands.h"
#include "client/cli/evaluation/cells.h"
#include "client/cli/evaluation/crew.h"
#include "client/cli/evaluation/report_files.h"
#include "client/cli/exit_code.h"
#include "client/cli/image_files.h"
#include "client/cli/job_options.h"
#include "client/cli/json.h"
#include "client/cli/local_file.h"
#include "client/cli/option_group.h"
#include "client/cli/session.h"
#include "core/base/status_macros.h"

namespace tweedie::cli {
namespace {

struct EvaluateOptions {
  std::vector<std::string> images;
  std::string out;
  std::string plan;
  std::vector<std::string> methods;
  std::vector<std::string> operators;
  std::vector<double> noise;
  std::optional<int> num_images;
  std::optional<uint64_t> seed;
  int parallel = 1;
  JobOptions job;  // only the model
};

// The plan's file, with what the command line says instead of it.
absl::StatusOr<EvaluationPlan> MakePlan(const EvaluateOptions& options) {
  EvaluationPlan plan;
  if (!options.plan.empty()) {
    ASSIGN_OR_RETURN(const std::string json, ReadLocalFile(options.plan));
    absl::StatusOr<EvaluationPlan> parsed = ParsePlan(json);
    if (!parsed.ok()) return LocalFileError(options.plan, parsed.status().message());
    plan = *std::move(parsed);
  }
  if (!options.methods.empty()) plan.methods.clear();
  for (const std::string& text : options.methods) plan.methods.push_back(EntryOf(text));
  if (!options.operators.empty()) plan.operators.clear();
  for (const std::string& text : options.operators) plan.operators.push_back(EntryOf(text));
  if (!options.noise.empty()) plan.noise = options.noise;
  if (options.num_images) plan.images = *options.num_images;
  if (options.seed) plan.seed = *options.seed;
  RETURN_IF_ERROR(CheckPlan(plan));
  return plan;
}

// The files that the plan takes.
absl::StatusOr<std::vector<std::string>> FindFiles(const EvaluateOptions& options,
                                                   const EvaluationPlan& plan, Session& session) {
  ASSIGN_OR_RETURN(std::vector<std::string> files, FindImageFiles(options.images));
  const auto wanted = static_cast<size_t>(plan.images);
  if (files.size() < wanted) {
    session.Note(absl::StrCat("only ", files.size(), " of ", wanted, " images are there"));
  }
  files.resize(std::min(files.size(), wanted));
  return files;
}

int Conclude(Session& session, const std::vector<Outcome>& outcomes,
             const std::vector<Image>& truth) {
  bool failed = false;
  for (const Outcome& outcome : outcomes) {
    const v1::Job& job = outcome.result.job;
    failed = failed || (outcome.result.refusal.empty() && job.state() != v1::Job::SUCCEEDED);
    if (session.json() && outcome.result.refusal.empty()) session.Result(ToJson(job));
  }
  if (!session.json()) session.Result(ReportMarkdown(outcomes, truth));
  return failed ? kFailed : kOk;
}

absl::StatusOr<int> Evaluate(const EvaluateOptions& options, Session& session) {
  ASSIGN_OR_RETURN(const EvaluationPlan plan, MakePlan(options));
  ASSIGN_OR_RETURN(const std::vector<std::string> files, FindFiles(options, plan, session));
  ASSIGN_OR_RETURN(const std::vector<Image> truth, DecodeImages(files));
  ASSIGN_OR_RETURN(const std::string model, FindModel(options.job, session));
  ASSIGN_OR_RETURN(std::vector<Cell> cells, MakeCells(plan, files, model));
  const CellRunner runner(&session.client(), absl::StrCat(options.out, "/cells"));
  Crew crew(&session, &runner);
  absl::StatusOr<std::vector<Outcome>> outcomes = crew.RunAll(std::move(cells), options.parallel);
  if (!outcomes.ok()) {
    session.Note("not finished; the same command goes on from here");
    return outcomes.status();
  }
  RETURN_IF_ERROR(WriteReport(options.out, *outcomes, truth));
  session.Note(absl::StrCat("wrote report.md, results.csv, summary.csv, plots and pictures to ",
                            options.out));
  return Conclude(session, *outcomes, truth);
}

constexpr char kFooter[] =
    "Methods are written as on their own command line, operators as their options:\n"
    "  tweedie evaluate photos/ --out results --images 16 --noise 0 0.05 \\\n"
    "      --methods \"dps --steps 200\" ddrm --operators \"inpaint-box 8,8,16,16\" \"sr 4\"\n"
    "Or all in a file, --plan plan.json:\n"
    "  {\"images\": 16, \"seed\": 1, \"noise\": [0, 0.05],\n"
    "   \"operators\": [{\"name\": \"box\", \"options\": \"inpaint-box 8,8,16,16\"}],\n"
    "   \"methods\": [{\"name\": \"DPS\", \"options\": \"dps --steps 1000\", \"images\": 8}, "
    "\"ddrm\"]}\n"
    "A method may have \"operators\": [names], an operator its own --noise or --poisson. What\n"
    "the server refuses, as a method that an operator cannot serve, is reported as such.\n"
    "The same command again goes on where it was interrupted, and runs nothing twice.";

}  // namespace

void AddEvaluate(CLI::App* app, Command* selected) {
  auto options = std::make_shared<EvaluateOptions>();
  CLI::App* command = app->add_subcommand(
      "evaluate", "Compare methods over images, operators and noise levels, resumably");
  command->add_option("files", options->images, "PNG or JPEG files, or folders of them")
      ->type_name("IMAGES")
      ->required();
  command->add_option("--out", options->out, "Folder of the results; those in it are kept")
      ->type_name("DIR")
      ->required();
  command->add_option("--plan", options->plan, "What to compare, as JSON")->type_name("FILE.json");
  OptionGroup group(command, "What to compare: instead of what the plan says");
  group.Add("--methods", &options->methods, "METHOD", "Methods with their options");
  group.Add("--operators", &options->operators, "OPERATOR", "Operators with their options");
  command->add_option("--noise", options->noise, "Noise levels, for images in [-1, 1]");
  command->add_option("--images", options->num_images, "How many of the images; 16 by default")
      ->check(CLI::PositiveNumber);
  command->add_option("--seed", options->seed, "Seed of every job; 1 by default")
      ->check(CLI::NonNegativeNumber);
  command->add_option("--model", options->job.model, "The model; by default the server's only one");
  command
      ->add_option("--parallel", options->parallel,
                   "Jobs at a time; with more than one they share the device, and seconds an\n"
                   "image are no longer a method's own")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  command->footer(kFooter);
  command->callback(
      [=] { *selected = [=](Session& session) { return Evaluate(*options, session); }; });
}

}  // namespace tweedie::cli
