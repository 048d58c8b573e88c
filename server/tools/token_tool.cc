#include "server/tools/token_tool.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "core/base/file.h"
#include "core/base/sha256.h"
#include "core/base/status_macros.h"
#include "server/auth/access_file.h"
#include "server/auth/tokens.h"
#include "server/base/command_line.h"

namespace tweedie {
namespace {

// Of a hash, to tell entries of one name from each other.
constexpr size_t kIdLength = 12;

constexpr char kUsage[] =
    "Keeps the file of those who may call a server (--tokens-file).\n"
    "  tweedied token new NAME --role viewer|user|operator --file FILE  prints a new token, once\n"
    "  tweedied token list --file FILE\n"
    "  tweedied token revoke NAME --file FILE\n"
    "Each has its own --help. A server that runs takes a change over within 2 s.\n";

constexpr char kFooter[] =
    "The file may also be given by TWEEDIE_TOKENS_FILE.\n"
    "Exit codes: 0 done; 1 it could not be done; 2 a wrong option.";

// An App of one command, with the file.
class Command {
 public:
  Command(const std::string& name, const std::string& about)
      : app_(about, "tweedied token " + name) {
    app_.footer(kFooter);
    app_.add_option("--tokens-file,--file", file_, "The file")
        ->required()
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  }
  CLI::App& app() { return app_; }
  const std::string& file() const { return file_; }

  // The exit code if the command is not to run.
  std::optional<int> Parse(int argc, const char* const* argv) {
    return ParseOr(app_, [&] { app_.parse(WithEnvironment(app_, argc, argv)); });
  }

 private:
  CLI::App app_;
  std::string file_;
};

// --- new ------------------------------------------------------------------

struct NewOptions {
  std::string name;
  std::string role;
  std::optional<double> expires_in_days;
  IdentityLimits limits;
};

// Not from the environment, where some mean the server's own limits.
void AddOptions(CLI::App& app, NewOptions& options) {
  app.add_option("NAME", options.name, "Whose jobs they will be: 1 to 64 of [A-Za-z0-9_.@-]")
      ->required();
  app.add_option("--role", options.role, "viewer, user (own jobs) or operator (all jobs)")
      ->required()
      ->configurable(false)
      ->check(CLI::IsMember({"viewer", "user", "operator"}));
  app.add_option("--expires-in", options.expires_in_days,
                 "Days that it serves; for ever if not given")
      ->configurable(false)
      ->check(CLI::Range(0.0, 36500.0));
  app.add_option("--max-queued-jobs", options.limits.max_queued_jobs, "Most queued jobs")
      ->configurable(false)
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 24));
  app.add_option("--max-queued-mebibytes", options.limits.max_queued_mebibytes,
                 "Most MiB of the inputs of queued jobs")
      ->configurable(false)
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 30));
}

absl::StatusOr<AccessEntry> MakeEntry(const NewOptions& options, const std::string& token) {
  AccessEntry entry;
  if (!IsCreatorName(options.name)) {
    return absl::InvalidArgumentError("NAME must be 1 to 64 of [A-Za-z0-9_.@-]");
  }
  entry.name = options.name;
  ASSIGN_OR_RETURN(entry.role, ParseRole(options.role));
  entry.token_sha256 = Sha256Hex(token);
  entry.limits = options.limits;
  if (options.expires_in_days.has_value()) {
    const absl::Time expires = absl::Now() + absl::Hours(24) * *options.expires_in_days;
    entry.expires = absl::FromUnixSeconds(absl::ToUnixSeconds(expires));
  }
  return entry;
}

absl::StatusOr<std::string> AddToken(const NewOptions& options, const std::string& file) {
  ASSIGN_OR_RETURN(std::string token, NewToken());
  ASSIGN_OR_RETURN(AccessEntry entry, MakeEntry(options, token));
  RETURN_IF_ERROR(EditAccessFile(file, /*may_be_new=*/true, [&](auto& entries) {
    entries.push_back(std::move(entry));
    return absl::OkStatus();
  }));
  return token;
}

int RunNew(int argc, const char* const* argv) {
  Command command("new",
                  "Makes a token and prints it, once: the file, which is made if need be, holds "
                  "its hash alone.\nAn earlier token of the name goes on to serve; `revoke` ends "
                  "it.");
  NewOptions options;
  AddOptions(command.app(), options);
  if (const std::optional<int> code = command.Parse(argc, argv)) return *code;
  const absl::StatusOr<std::string> token = AddToken(options, command.file());
  if (!token.ok()) return Fail(token.status());
  std::cout << *token << std::endl;
  return std::cout.good() ? kExitDone : kExitFailed;
}

// --- list -----------------------------------------------------------------

std::string ProofOf(const AccessEntry& entry) {
  if (!entry.certificate.empty()) return absl::StrCat("certificate ", entry.certificate);
  return absl::StrCat("token ", entry.token_sha256.substr(0, kIdLength));
}

std::string ToText(const AccessEntry& entry) {
  std::string text = absl::StrCat(entry.name, "\t", RoleName(entry.role), "\t", ProofOf(entry));
  if (entry.expires != absl::InfiniteFuture()) {
    const bool is_over = entry.expires <= absl::Now();
    absl::StrAppend(&text, "\t", is_over ? "expired " : "expires ",
                    absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", entry.expires, absl::UTCTimeZone()));
  }
  if (const auto& jobs = entry.limits.max_queued_jobs) {
    absl::StrAppend(&text, "\tmax-queued-jobs ", *jobs);
  }
  if (const auto& mebibytes = entry.limits.max_queued_mebibytes) {
    absl::StrAppend(&text, "\tmax-queued-mebibytes ", *mebibytes);
  }
  return text;
}

int RunList(int argc, const char* const* argv) {
  Command command("list",
                  "Prints the entries: name, role, the first digits of the token's hash or the "
                  "certificate's\ncommon name, when it expires, limits; with tabs between them.");
  if (const std::optional<int> code = command.Parse(argc, argv)) return *code;
  const absl::StatusOr<std::string> text = ReadAccessFile(command.file());
  if (!text.ok()) return Fail(text.status());
  const absl::StatusOr<std::vector<AccessEntry>> entries = ParseAccess(*text);
  if (!entries.ok()) return Fail(InFile(command.file(), entries.status()));
  for (const AccessEntry& entry : *entries) std::cout << ToText(entry) << "\n";
  std::cout << std::flush;
  return kExitDone;
}

// --- revoke ---------------------------------------------------------------

int RunRevoke(int argc, const char* const* argv) {
  Command command("revoke",
                  "Removes all entries of a name, or one of them. Calls with them are refused, and "
                  "streams\nthat they opened end, within 4 s.");
  std::string name;
  std::string id;
  command.app().add_option("NAME", name, "Of `token list`")->required();
  command.app()
      .add_option("--id", id, "Only tokens whose hash begins so, as `token list` prints")
      ->configurable(false);
  if (const std::optional<int> code = command.Parse(argc, argv)) return *code;
  size_t removed = 0;
  const auto edit = [&](std::vector<AccessEntry>& entries) -> absl::Status {
    const size_t before = entries.size();
    const auto is_meant = [&](const AccessEntry& entry) {
      return entry.name == name && (id.empty() || (!entry.token_sha256.empty() &&
                                                   absl::StartsWith(entry.token_sha256, id)));
    };
    entries.erase(std::remove_if(entries.begin(), entries.end(), is_meant), entries.end());
    removed = before - entries.size();
    if (removed > 0) return absl::OkStatus();
    return absl::NotFoundError(absl::StrCat(command.file(), " has no such entry of ", name));
  };
  const absl::Status revoked = EditAccessFile(command.file(), /*may_be_new=*/false, edit);
  if (!revoked.ok()) return Fail(revoked);
  std::cout << "revoked " << removed << " of " << name << std::endl;
  return kExitDone;
}

}  // namespace

int RunTokenTool(int argc, const char* const* argv) {
  const absl::string_view name = argc > 1 ? argv[1] : "";
  if (name == "new") return RunNew(argc - 1, argv + 1);
  if (name == "list") return RunList(argc - 1, argv + 1);
  if (name == "revoke") return RunRevoke(argc - 1, argv + 1);
  const bool is_question = name == "--help" || name == "-h";
  (is_question ? std::cout : std::cerr) << kUsage;
  return is_question ? kExitDone : kExitWrongOption;
}

}  // namespace tweedie
