#ifndef TWEEDIE_CORE_JOBS_POSTGRES_LISTENER_H_
#define TWEEDIE_CORE_JOBS_POSTGRES_LISTENER_H_

#include <atomic>
#include <functional>
#include <memory>
#include <thread>

#include "absl/status/status.h"
#include "core/jobs/job_store.h"
#include "core/jobs/postgres/backoff.h"
#include "core/jobs/postgres/connection.h"
#include "core/jobs/postgres/postgres_options.h"

namespace tweedie::postgres {

// Waits for notifications on a connection and a thread of its own; connects
// again when it breaks, and then tells that news may have been missed. Thread-safe.
class Listener final : public NewsSubscription {
 public:
  Listener(const PostgresOptions& options, std::function<void(const QueueNews&)> on_news);
  // Waits for a call in progress, and for a connection that is being made.
  ~Listener() override;

 private:
  void Run();
  // Listens until the connection breaks or this is stopped.
  absl::Status ListenOnce(Backoff& backoff);
  absl::Status TellNews(PgConnection& connection);
  // Waits for the connection, the end of `timeout`, or the end of all.
  void Wait(int socket, absl::Duration timeout);

  const PostgresOptions options_;
  const std::function<void(const QueueNews&)> on_news_;
  const int stop_event_;  // a file descriptor, readable once it is to stop
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

}  // namespace tweedie::postgres

#endif  // TWEEDIE_CORE_JOBS_POSTGRES_LISTENER_H_
