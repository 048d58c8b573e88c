#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/cli/batch/crew.h"
#include "client/cli/batch/entries.h"
#include "client/cli/batch/job_maker.h"
#include "client/cli/batch/journal.h"
#include "client/cli/commands.h"
#include "client/cli/exit_code.h"
#include "client/cli/job_options.h"
#include "client/cli/local_file.h"
#include "client/cli/session.h"
#include "client/cli/waiting.h"
#include "core/base/status_macros.h"

namespace tweedie::cli {
namespace {

struct BatchOptions {
  std::string jobs;  // a file, or a folder
  std::string each;  // the command for each image of a folder
  std::string out;
  int in_flight = 32;
  bool retry_failed = false;
  bool dry_run = false;
  bool detach = false;
  std::optional<std::string> model;
};

absl::StatusOr<std::vector<BatchEntry>> FindEntries(const BatchOptions& options) {
  std::error_code error;
  const bool is_folder = std::filesystem::is_directory(options.jobs, error);
  if (is_folder != !options.each.empty()) {
    return absl::InvalidArgumentError(
        is_folder ? absl::StrCat("--each must say what to do with each image of ", options.jobs,
                                 ", as \"denoise {} --timestep 100\"")
                  : absl::StrCat("--each is for a folder of images; ", options.jobs, " is none"));
  }
  if (is_folder) return EntriesOfFolder(options.jobs, options.each);
  ASSIGN_OR_RETURN(const std::string text, ReadLocalFile(options.jobs));
  return ParseEntries(options.jobs, text);
}

// A name stands for one command line, for all time.
absl::Status CheckSame(const BatchEntry& entry, const Journal::Record& record) {
  if (record.words.empty() || record.words == entry.words) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      entry.where, ": '", entry.name, "' was submitted as \"", absl::StrJoin(record.words, " "),
      "\" and is now \"", absl::StrJoin(entry.words, " "),
      "\"; give it another name, or the batch "
      "another --out"));
}

// Leaves out what is over already.
absl::Status AddWork(BatchJob job, const Journal& journal, bool retry_failed, BatchWork* work) {
  const Journal::Record record = journal.At(job.entry.name);
  RETURN_IF_ERROR(CheckSame(job.entry, record));
  const bool failed = record.state == Journal::State::kFailed;
  if (record.state == Journal::State::kDone) {
    ++work->already_done;
  } else if (failed && !retry_failed) {
    ++work->already_failed;
  } else {
    work->jobs.push_back(std::move(job));
    work->attempts.push_back(record.attempt + (failed ? 1 : 0));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> DefaultModel(const BatchOptions& options,
                                         const std::vector<BatchJob>& jobs, Session& session) {
  const bool is_needed =
      std::any_of(jobs.begin(), jobs.end(), [](const BatchJob& job) { return !job.options.model; });
  if (!is_needed) return std::string();
  JobOptions wanted;
  wanted.model = options.model;
  return FindModel(wanted, session);
}

absl::StatusOr<BatchWork> FindWork(const BatchOptions& options, const Journal& journal,
                                   Session& session) {
  BatchWork work;
  ASSIGN_OR_RETURN(std::vector<BatchEntry> entries, FindEntries(options));
  ASSIGN_OR_RETURN(std::vector<BatchJob> jobs, ParseJobs(std::move(entries)));
  for (BatchJob& job : jobs) {
    RETURN_IF_ERROR(AddWork(std::move(job), journal, options.retry_failed, &work));
  }
  work.folder = options.out;
  work.detach = options.detach;
  work.marks.key = journal.key();
  ASSIGN_OR_RETURN(work.marks.model, DefaultModel(options, work.jobs, session));
  return work;
}

int Conclude(const BatchOptions& options, const Tally& tally, Session& session) {
  if (options.dry_run) session.Note("nothing was submitted");
  if (!session.json()) session.Result(TallySummary(tally));
  if (tally.submitted > 0) session.Note("for their results: the same command without --detach");
  if (tally.failed > 0 && !options.dry_run) {
    session.Note("to run those that failed anew: the same command with --retry-failed");
  }
  return tally.failed + tally.refused > 0 ? kSomeFailed : kOk;
}

absl::StatusOr<int> Batch(const BatchOptions& options, Session& session) {
  ASSIGN_OR_RETURN(const std::unique_ptr<Journal> journal, Journal::Open(options.out));
  ASSIGN_OR_RETURN(BatchWork work, FindWork(options, *journal, session));
  if (work.already_done + work.already_failed > 0) {
    session.Note(absl::StrCat("going on: ", work.already_done, " done and ", work.already_failed,
                              " failed before"));
  }
  BatchCrew crew(&session, journal.get(), std::move(work));
  const absl::StatusOr<Tally> tally =
      options.dry_run ? crew.CheckAll(options.in_flight) : crew.RunAll(options.in_flight);
  if (tally.ok()) return Conclude(options, *tally, session);
  session.Note("not finished; the same command goes on from here");
  return tally.status();
}

constexpr char kFooter[] =
    "A line of FILE.jsonl is a job, its command as one would type it, and a name for the folder\n"
    "of its results (by default the line's number):\n"
    "  {\"command\": \"dps blurred/1.png --blur gaussian:9:2\", \"name\": \"1\"}\n"
    "  {\"command\": [\"sample\", \"-n\", \"4\"], \"name\": \"words one by one\"}\n"
    "A folder is a job for each image, {} in --each being its path:\n"
    "  tweedie batch photos/ --each \"denoise {} --timestep 100 --add-noise\" --out clean\n"
    "\n"
    "Results go to DIR/NAME, as --out of the command would write them, with job.json; a folder\n"
    "that is there is whole. DIR/batch.jsonl says what was submitted, done and failed: the same\n"
    "command goes on from there, after Ctrl-C, a crash or a kill, and makes no job twice. Jobs\n"
    "have the label batch.key, and priority batch unless they say otherwise.";

}  // namespace

void AddBatch(CLI::App* app, Command* selected) {
  auto options = std::make_shared<BatchOptions>();
  CLI::App* command =
      app->add_subcommand("batch", "Run jobs by the thousand from a file or a folder, resumably");
  command->add_option("jobs", options->jobs, "The jobs' file, or a folder of images")
      ->type_name("FILE.jsonl|DIR")
      ->required();
  command->add_option("--out", options->out, "Folder of the results and of batch.jsonl")
      ->type_name("DIR")
      ->required();
  command->add_option("--each", options->each, "The command for each image of a folder")
      ->type_name("COMMAND");
  command->add_option("--model", options->model,
                      "The model of jobs that name none; by default the server's only one");
  command->add_option("--in-flight", options->in_flight, "The most jobs at a time on the server")
      ->check(CLI::Range(1, 512))
      ->capture_default_str();
  command->add_flag("--retry-failed", options->retry_failed, "Run anew what has failed before");
  command->add_flag("--dry-run", options->dry_run,
                    "Let the server check what is left to do, and submit nothing");
  AddWaitOptions(command, &options->detach);
  command->footer(kFooter);
  command->callback(
      [=] { *selected = [=](Session& session) { return Batch(*options, session); }; });
}

}  // namespace tweedie::cli
