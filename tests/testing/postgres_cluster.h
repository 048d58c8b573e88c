#ifndef TWEEDIE_TESTS_TESTING_POSTGRES_CLUSTER_H_
#define TWEEDIE_TESTS_TESTING_POSTGRES_CLUSTER_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tests/testing/child_process.h"
#include "tests/testing/temp_folder.h"

namespace tweedie {

// A PostgreSQL server in a temporary folder, which listens on a Unix socket
// there and nowhere else. Ends with this process, however that ends. Started by
// root, it runs as the user `postgres`. Not thread-safe; the thread that starts
// it must live as long.
class PostgresCluster {
 public:
  // FAILED_PRECONDITION, saying what to do, if PostgreSQL is not installed.
  static absl::StatusOr<std::unique_ptr<PostgresCluster>> Start();
  // The one that the tests of this program share, started at the first use.
  // Ends the program if it cannot be started.
  static PostgresCluster& Shared();
  ~PostgresCluster();

  // Folder of its socket, `.s.PGSQL.5432`.
  const std::string& folder() const { return folder_.path(); }
  // As libpq takes it, for a user who may make schemas in the database and
  // nothing else.
  std::string connection() const { return ConnectionIn(folder()); }
  // Likewise by way of a socket in another folder.
  static std::string ConnectionIn(const std::string& folder);

  // Ends it at once, as a crash would: connections break, and the next start
  // recovers from the log.
  void Crash();
  // Ends it in good order: connections are told.
  void Stop();
  // Starts it again.
  absl::Status Restart();
  // Runs statements as the one who may do everything; the last one's first value
  // is returned.
  absl::StatusOr<std::string> Sql(const std::string& statements) const;

 private:
  PostgresCluster() = default;
  void End(int signal);

  const TempFolder folder_;
  std::unique_ptr<ChildProcess> server_;
};

}  // namespace tweedie

#endif  // TWEEDIE_TESTS_TESTING_POSTGRES_CLUSTER_H_
