#include "core/jobs/postgres/listener.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/base/thread_name.h"
#include "core/jobs/postgres/sql_text.h"

namespace tweedie::postgres {
namespace {

constexpr absl::Duration kFirstWait = absl::Milliseconds(50);
constexpr absl::Duration kLongestWait = absl::Seconds(2);
// Between looks at a connection on which nothing comes.
constexpr absl::Duration kIdle = absl::Minutes(1);

struct FreeNotify {
  void operator()(PGnotify* notify) const { PQfreemem(notify); }
};

}  // namespace

Listener::Listener(const PostgresOptions& options, std::function<void(const QueueNews&)> on_news)
    : options_(options),
      on_news_(std::move(on_news)),
      stop_event_(eventfd(0, EFD_CLOEXEC)),
      thread_([this] { Run(); }) {}

Listener::~Listener() {
  stopping_ = true;
  eventfd_write(stop_event_, 1);
  thread_.join();
  close(stop_event_);
}

void Listener::Run() {
  NameThisThread("listener");
  Backoff backoff(kFirstWait, kLongestWait);
  while (!stopping_) {
    // Whoever depends on the database finds out and says so by himself.
    ListenOnce(backoff).IgnoreError();
    if (!stopping_) Wait(-1, backoff.Next());
  }
}

absl::Status Listener::ListenOnce(Backoff& backoff) {
  ASSIGN_OR_RETURN(std::unique_ptr<PgConnection> connection, PgConnection::Open(options_));
  RETURN_IF_ERROR(
      connection->Execute(absl::StrCat("LISTEN ", QuotedIdentifier(NewsChannel(options_.schema)))));
  backoff.Reset();
  on_news_({.missed = true});
  while (!stopping_ && !connection->broken()) {
    RETURN_IF_ERROR(TellNews(*connection));
    Wait(PQsocket(connection->handle()), kIdle);
  }
  return absl::OkStatus();
}

absl::Status Listener::TellNews(PgConnection& connection) {
  if (PQconsumeInput(connection.handle()) == 0) {
    return absl::UnavailableError(PQerrorMessage(connection.handle()));
  }
  while (true) {
    const std::unique_ptr<PGnotify, FreeNotify> notify(PQnotifies(connection.handle()));
    if (notify == nullptr) return absl::OkStatus();
    on_news_(NewsOf(notify->extra));
  }
}

void Listener::Wait(int socket, absl::Duration timeout) {
  pollfd files[] = {{stop_event_, POLLIN, 0}, {socket, POLLIN, 0}};
  // An interruption is an early end, after which all is looked at again.
  poll(files, 2, static_cast<int>(absl::ToInt64Milliseconds(timeout)));
}

}  // namespace tweedie::postgres
