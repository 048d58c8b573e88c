#include <unistd.h>

#include <CLI/CLI.hpp>
#include <limits>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "client/cli/commands.h"
#include "client/cli/exit_code.h"
#include "client/cli/json.h"
#include "client/cli/session.h"
#include "client/cli/text.h"
#include "client/cli/top/screen.h"
#include "client/cli/top/table.h"
#include "core/base/status_macros.h"

namespace tweedie::cli {
namespace {

constexpr absl::Duration kRedraw = absl::Milliseconds(500);
constexpr absl::Duration kAskServers = absl::Seconds(2);
constexpr size_t kAny = std::numeric_limits<size_t>::max();

v1::WatchJobsRequest LiveJobs() {
  v1::WatchJobsRequest request;
  request.mutable_filter()->add_states(v1::Job::QUEUED);
  request.mutable_filter()->add_states(v1::Job::RUNNING);
  request.set_include_progress(true);
  return request;
}

// Keeps a table up to date, by a thread for each of its two sources, until it is
// stopped. Thread-safe.
class LiveTable {
 public:
  explicit LiveTable(Session* session)
      : session_(session),
        table_(session->server()),
        client_(session->MakeClient(
            [this](const absl::Status& error, absl::Duration delay) { OnRetry(error, delay); })),
        watcher_([this] { Watch(); }),
        asker_([this] { Ask(); }) {}
  ~LiveTable() {
    session_->EndCalls();
    {
      absl::MutexLock lock(&mu_);
      is_closed_ = true;
    }
    watcher_.join();
    asker_.join();
  }
  LiveTable(const LiveTable&) = delete;
  LiveTable& operator=(const LiveTable&) = delete;

  std::vector<std::string> Lines(const Screen::Size& size) const {
    absl::MutexLock lock(&mu_);
    return table_.Lines(size.width, size.height);
  }
  // Why it is no longer kept up to date; OK while it is.
  absl::Status status() const {
    absl::MutexLock lock(&mu_);
    return status_;
  }

 private:
  void Watch() {
    const absl::Status status =
        client_.WatchJobs(LiveJobs(), [this](const v1::WatchJobsResponse& event) {
          absl::MutexLock lock(&mu_);
          table_.OnEvent(event, absl::Now());
          return absl::OkStatus();
        });
    absl::MutexLock lock(&mu_);
    status_.Update(status);
  }

  void Ask() {
    while (true) {
      absl::StatusOr<v1::ServerInfo> info = client_.GetServerInfo();
      absl::MutexLock lock(&mu_);
      if (info.ok()) table_.OnInfo(*std::move(info));
      if (mu_.AwaitWithTimeout(absl::Condition(&is_closed_), kAskServers)) return;
    }
  }

  void OnRetry(const absl::Status& error, absl::Duration delay) {
    absl::MutexLock lock(&mu_);
    table_.OnBreak(absl::StrCat(DescribeError(error, session_->server()), "; trying again in ",
                                Seconds(delay), " s"));
  }

  Session* const session_;
  mutable absl::Mutex mu_;
  TopTable table_ ABSL_GUARDED_BY(mu_);
  absl::Status status_ ABSL_GUARDED_BY(mu_);
  bool is_closed_ ABSL_GUARDED_BY(mu_) = false;
  const Client client_;
  std::thread watcher_;
  std::thread asker_;
};

absl::StatusOr<int> ShowLive(Session& session) {
  LiveTable table(&session);
  Screen screen(STDIN_FILENO, STDOUT_FILENO, &session.interrupts());
  while (true) {
    const absl::Status status = table.status();
    if (session.interrupts().count() > 0) break;  // which is what ended the calls
    RETURN_IF_ERROR(status);
    screen.Show(table.Lines(screen.size()));
    const char key = screen.WaitForKey(kRedraw);
    if (key == 'q' || key == 'Q' || key == Screen::kEndOfInput) break;
  }
  return kOk;
}

absl::StatusOr<int> ShowOnce(Session& session) {
  TopTable table(session.server());
  ASSIGN_OR_RETURN(v1::ServerInfo info, session.client().GetServerInfo());
  table.OnInfo(std::move(info));
  bool complete = false;
  const absl::Status status =
      session.client().WatchJobs(LiveJobs(), [&](const v1::WatchJobsResponse& event) {
        table.OnEvent(event, absl::Now());
        complete = event.listing_complete();
        return complete ? absl::CancelledError("all are listed") : absl::OkStatus();
      });
  if (!complete) return status;
  if (session.json()) {
    session.Result(ToJson(table.info()));
    for (const v1::Job& job : table.Jobs()) session.Result(ToJson(job));
  } else {
    for (const std::string& line : table.Lines(kAny, kAny)) session.Result(line);
  }
  return kOk;
}

}  // namespace

void AddTop(CLI::App* app, Command* selected) {
  auto once = std::make_shared<bool>(false);
  CLI::App* command = app->add_subcommand(
      "top", "Show the servers, and the jobs that run and wait, as they change");
  command->add_flag("--once", *once, "Print it once, as where the output is no terminal");
  command->footer("q, Ctrl-D or Ctrl-C ends it.");
  command->callback([=] {
    *selected = [once](Session& session) {
      const bool live = isatty(STDIN_FILENO) != 0 && isatty(STDOUT_FILENO) != 0;
      return live && !*once && !session.json() ? ShowLive(session) : ShowOnce(session);
    };
  });
}

}  // namespace tweedie::cli
