#include "tests/testing/postgres_cluster.h"

#include <libpq-fe.h>
#include <pwd.h>
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"

namespace tweedie {
namespace {

constexpr char kSuperuser[] = "super";
constexpr char kUser[] = "tweedie";

std::string BinFolder() {
  const char* given = std::getenv("TWEEDIE_POSTGRES_BIN");
  return given != nullptr ? given : TWEEDIE_POSTGRES_BIN;
}

absl::Status NotInstalled(absl::string_view what) {
  return absl::FailedPreconditionError(
      absl::StrCat("this test needs PostgreSQL's server: ", what,
                   "; run scripts/setup, or set TWEEDIE_POSTGRES_BIN to the folder of its initdb"));
}

// Gives the folder to the user that PostgreSQL is to run as: it refuses root.
absl::Status GiveTo(const passwd* user, const std::string& folder) {
  if (user == nullptr) return NotInstalled("there is no user postgres");
  if (chown(folder.c_str(), user->pw_uid, user->pw_gid) == 0) return absl::OkStatus();
  return absl::InternalError(absl::StrCat("cannot give ", folder, " to postgres"));
}

// Starts one of PostgreSQL's programs, to be ended with this process (SIGQUIT,
// which it takes as a wish to end at once).
std::unique_ptr<ChildProcess> Spawn(const std::string& program,
                                    const std::vector<std::string>& arguments) {
  std::vector<std::string> all = {"--pdeathsig", "QUIT"};
  if (geteuid() == 0) {
    all.insert(all.end(), {"--reuid", "postgres", "--regid", "postgres", "--clear-groups"});
  }
  all.push_back(absl::StrCat(BinFolder(), "/", program));
  all.insert(all.end(), arguments.begin(), arguments.end());
  return ChildProcess::Start("/usr/bin/setpriv", all);
}

absl::Status MakeCluster(const std::string& data) {
  const auto initdb = Spawn("initdb", {"-D", data, "-U", kSuperuser, "-A", "trust", "-E", "UTF8",
                                       "--locale=C", "--no-sync", "--no-instructions"});
  if (initdb == nullptr) return absl::InternalError("cannot run setpriv");
  const Finished finished = initdb->Wait();
  if (finished.exit_code == 0) return absl::OkStatus();
  return absl::InternalError(absl::StrCat("initdb: ", finished.out, finished.err));
}

std::string ConnectionOf(absl::string_view user, const std::string& folder) {
  return absl::StrCat("host=", folder, " port=5432 user=", user, " dbname=postgres");
}

struct Disconnect {
  void operator()(PGconn* connection) const { PQfinish(connection); }
};
struct Clear {
  void operator()(PGresult* result) const { PQclear(result); }
};

}  // namespace

std::string PostgresCluster::ConnectionIn(const std::string& folder) {
  return ConnectionOf(kUser, folder);
}

absl::StatusOr<std::unique_ptr<PostgresCluster>> PostgresCluster::Start() {
  const std::string initdb = absl::StrCat(BinFolder(), "/initdb");
  if (access(initdb.c_str(), X_OK) != 0) return NotInstalled(absl::StrCat("no ", initdb));
  std::unique_ptr<PostgresCluster> cluster(new PostgresCluster());
  if (geteuid() == 0) RETURN_IF_ERROR(GiveTo(getpwnam("postgres"), cluster->folder()));
  RETURN_IF_ERROR(MakeCluster(cluster->folder_.File("data")));
  RETURN_IF_ERROR(cluster->Restart());
  RETURN_IF_ERROR(cluster
                      ->Sql(absl::StrCat("CREATE ROLE ", kUser,
                                         " LOGIN; GRANT CREATE ON DATABASE "
                                         "postgres TO ",
                                         kUser))
                      .status());
  return cluster;
}

PostgresCluster& PostgresCluster::Shared() {
  static const std::unique_ptr<PostgresCluster> cluster = [] {
    absl::StatusOr<std::unique_ptr<PostgresCluster>> started = Start();
    if (started.ok()) return *std::move(started);
    std::fprintf(stderr, "%s\n", started.status().ToString().c_str());
    std::exit(1);
  }();
  return *cluster;
}

PostgresCluster::~PostgresCluster() { Crash(); }

absl::Status PostgresCluster::Restart() {
  server_ =
      Spawn("postgres",
            {"-D", folder_.File("data"), "-k", folder(), "-p", "5432", "-c", "listen_addresses=",
             // Crashes here are not the machine's, so the disk may be slow.
             "-c", "fsync=off", "-c", "full_page_writes=off", "-c", "shared_buffers=16MB", "-c",
             "max_connections=60", "-c", "log_min_messages=log", "-c", "log_checkpoints=off"});
  if (server_ == nullptr) return absl::InternalError("cannot run setpriv");
  if (server_->WaitForError("database system is ready to accept connections")) {
    return absl::OkStatus();
  }
  return absl::InternalError(absl::StrCat("postgres: ", server_->Wait().err));
}

void PostgresCluster::End(int signal) {
  if (server_ == nullptr) return;
  server_->Signal(signal);
  server_->Wait();
  server_.reset();
}

void PostgresCluster::Crash() { End(SIGQUIT); }

void PostgresCluster::Stop() { End(SIGINT); }

absl::StatusOr<std::string> PostgresCluster::Sql(const std::string& statements) const {
  const std::unique_ptr<PGconn, Disconnect> db(
      PQconnectdb(ConnectionOf(kSuperuser, folder()).c_str()));
  const std::unique_ptr<PGresult, Clear> result(PQexec(db.get(), statements.c_str()));
  const ExecStatusType status = PQresultStatus(result.get());
  if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
    return absl::InternalError(PQerrorMessage(db.get()));
  }
  return PQntuples(result.get()) > 0 ? PQgetvalue(result.get(), 0, 0) : "";
}

}  // namespace tweedie
