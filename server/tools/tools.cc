#include "server/tools/tools.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "server/base/command_line.h"
#include "server/tools/check.h"
#include "server/tools/move.h"
#include "server/tools/token_tool.h"

namespace tweedie {
namespace {

using nlohmann::json;

// Of `check`, 1 means findings, and what fails is 2 as well.
constexpr int kFindings = 1;
constexpr int kCannotCheck = 2;

constexpr char kSources[] =
    "Options may also be given by the environment (TWEEDIE_DATA_DIR, TWEEDIE_DATABASE, ...) and "
    "by the\nserver's file of --config. No server may use the queue meanwhile.\n";

// An App of one command, with the options that name a queue.
class Command {
 public:
  Command(const std::string& name, const std::string& about, const std::string& exit_codes)
      : app_(about, "tweedied " + name) {
    app_.footer(kSources + exit_codes);
    app_.set_config("--config", "", "The server's file of options")
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    // It names more than a command knows.
    app_.allow_config_extras(CLI::config_extras_mode::ignore_all);
  }

  CLI::App& app() { return app_; }
  const QueueChoice& queue() const { return queue_; }

  // For the command line alone.
  void AddFlag(const std::string& flag, bool& value, const std::string& help) {
    app_.add_flag(flag, value, help)->configurable(false);
  }

  void AddQueue(const std::string& what) {
    const auto add = [&](const std::string& flag, std::string& value, const std::string& help) {
      app_.add_option(flag, value, help)
          ->capture_default_str()
          ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    };
    add("--data-dir", queue_.data_dir, what + ": the data folder");
    add("--database", queue_.database, what + ": the PostgreSQL database instead");
    add("--database-schema", queue_.database_schema, "Its schema");
    add("--blobs-dir", queue_.blobs_dir, "With --database: the servers' shared folder of images");
  }

  // The exit code if the command is not to run: after --help, or an error, which is
  // printed. `folder` is the queue's, if an argument without a flag may name it.
  std::optional<int> Parse(int argc, const char* const* argv, const std::string& folder = "") {
    const auto parse = [&] { app_.parse(WithEnvironment(app_, argc, argv)); };
    if (const std::optional<int> code = ParseOr(app_, parse)) return code;
    if (ShowsPassword(argc, argv)) {
      std::cerr << kPasswordShown << "\n";
      return kExitWrongOption;
    }
    const bool gives_folder = IsGiven("data-dir", argc, argv);
    const bool gives_database = IsGiven("database", argc, argv);
    if (gives_folder + gives_database + !folder.empty() > 1) {
      std::cerr << "tweedied: more than one queue is named; give a data folder or --database\n";
      return kExitWrongOption;
    }
    // A database that the environment names must not be taken for the folder that
    // the command line does.
    if (!folder.empty()) queue_.data_dir = folder;
    if (gives_folder || !folder.empty()) {
      queue_.database.clear();
      queue_.blobs_dir.clear();
    }
    return std::nullopt;
  }

 private:
  QueueChoice queue_;
  CLI::App app_;
};

// --- check ----------------------------------------------------------------

std::string ToText(const Finding& finding) {
  return absl::StrCat(finding.job.empty() ? "" : absl::StrCat("jobs/", finding.job, ": "),
                      finding.code, ": ", finding.what, "; ", finding.meaning,
                      finding.repaired ? " [repaired]" : "");
}

// Bytes that are no UTF-8, which a damaged database may hold, are replaced.
std::string Dump(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string ToJson(const Finding& finding) {
  json value = {{"code", finding.code},
                {"what", finding.what},
                {"meaning", finding.meaning},
                {"repaired", finding.repaired}};
  if (!finding.job.empty()) value["job"] = "jobs/" + finding.job;
  return Dump(value);
}

std::string ToText(const CheckSummary& summary) {
  const std::string known = summary.lost_results == 0 ? ""
                                                      : absl::StrCat("; ", summary.lost_results,
                                                                     " results were lost before");
  return absl::StrCat(summary.jobs, " jobs, ", summary.blobs, " blobs, ", summary.bytes,
                      " bytes: ", summary.findings, " findings, ", summary.repaired, " repaired",
                      known);
}

std::string ToJson(const CheckSummary& summary) {
  return Dump({{"jobs", summary.jobs},
               {"blobs", summary.blobs},
               {"bytes", summary.bytes},
               {"lost_results", summary.lost_results},
               {"findings", summary.findings},
               {"repaired", summary.repaired}});
}

int RunCheck(int argc, const char* const* argv) {
  Command command("check",
                  "Verifies a queue that no server uses: the database, each job's row, each image "
                  "file by its\ndigest, and that nothing else is there. Prints a line a finding "
                  "and a summary.",
                  "Exit codes: 0 nothing is wrong, or all that was is repaired; 1 findings; 2 it "
                  "cannot be checked.");
  std::string folder;
  bool repair = false;
  bool most_lost = false;
  bool as_json = false;
  command.app().add_option("DATA", folder, "The data folder");
  command.AddQueue("The queue");
  command.AddFlag("--repair", repair,
                  "Do what each finding says, the least that lets servers go on");
  command.AddFlag("--most-lost", most_lost,
                  "With --repair: also if most images are missing, as they are truly lost");
  command.AddFlag("--json", as_json, "Print JSON, a line a finding and one of the summary");
  if (const std::optional<int> code = command.Parse(argc, argv, folder)) return *code;
  const CheckOptions options{command.queue(), repair, most_lost};
  const absl::StatusOr<CheckSummary> summary = Check(options, [&](const Finding& finding) {
    std::cout << (as_json ? ToJson(finding) : ToText(finding)) << std::endl;
  });
  if (!summary.ok()) return Fail(summary.status(), kCannotCheck);
  std::cout << (as_json ? ToJson(*summary) : ToText(*summary)) << std::endl;
  return summary->findings == summary->repaired ? kExitDone : kFindings;
}

// --- export, import -------------------------------------------------------

constexpr char kMoveCodes[] = "Exit codes: 0 done; 1 it could not be done; 2 a wrong option.";

int RunExport(int argc, const char* const* argv) {
  Command command("export",
                  "Writes a whole queue to one file: jobs in all states, request ids, images. "
                  "Jobs that\nwere running are exported as queued, with their checkpoints.",
                  kMoveCodes);
  std::string path;
  command.app().add_option("FILE", path, "Must not be there yet")->required();
  command.AddQueue("From");
  if (const std::optional<int> code = command.Parse(argc, argv)) return *code;
  const absl::StatusOr<QueueCounts> counts = ExportQueue(command.queue(), path);
  if (!counts.ok()) return Fail(counts.status(), kExitFailed);
  std::cout << absl::StrCat("exported ", counts->jobs, " jobs, ", counts->blobs, " blobs of ",
                            counts->bytes, " bytes, ", counts->requests,
                            " request ids of deleted jobs")
            << std::endl;
  return kExitDone;
}

int RunImport(int argc, const char* const* argv) {
  Command command("import",
                  "Reads the file of an export into another queue, which is made if need be. "
                  "Nothing is\nwritten before the whole file is verified.",
                  kMoveCodes);
  std::string path;
  ImportOptions options;
  command.app().add_option("FILE", path, "As `tweedied export` wrote it")->required();
  command.AddQueue("Into");
  command.AddFlag("--merge", options.merge,
                  "Also into a queue that is not empty: jobs whose ids it knows stay as "
                  "they are. Goes on with an import that was cut off");
  if (const std::optional<int> code = command.Parse(argc, argv)) return *code;
  options.queue = command.queue();
  const absl::StatusOr<Imported> imported = ImportQueue(options, path);
  if (!imported.ok()) return Fail(imported.status(), kExitFailed);
  const Added& added = imported->added;
  std::cout << absl::StrCat("imported ", added.jobs, " jobs of ", imported->file.jobs, "; ",
                            added.known_jobs, " were there already, and ", added.known_requests,
                            " request ids. Images are in ", imported->place_of_blobs)
            << std::endl;
  return kExitDone;
}

}  // namespace

std::optional<int> RunTool(int argc, const char* const* argv) {
  const absl::string_view name = argc > 1 ? argv[1] : "";
  if (name == "check") return RunCheck(argc - 1, argv + 1);
  if (name == "export") return RunExport(argc - 1, argv + 1);
  if (name == "import") return RunImport(argc - 1, argv + 1);
  if (name == "token") return RunTokenTool(argc - 1, argv + 1);
  return std::nullopt;
}

}  // namespace tweedie
