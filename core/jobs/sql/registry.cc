// Which servers use the queue: Register, Unregister, Servers.
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "core/base/status_macros.h"
#include "core/jobs/sql/job_row.h"
#include "core/jobs/sql/sql_job_store.h"

namespace tweedie::sql {
namespace {

constexpr int kMaxForgottenPerCall = 100;

// Takes the name if it is free, its holder's already, or its lease has run out.
constexpr char kRegisterSql[] =
    "INSERT INTO servers (name, instance, address, version, devices, models, start_time, "
    "lease_end) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET "
    "instance = excluded.instance, address = excluded.address, version = excluded.version, "
    "devices = excluded.devices, models = excluded.models, start_time = excluded.start_time, "
    "lease_end = excluded.lease_end "
    "WHERE servers.instance = excluded.instance OR servers.lease_end <= ? RETURNING name";

std::string ListSql(const Dialect& dialect) {
  return absl::StrCat(
      "SELECT s.name, s.instance, s.address, s.version, s.devices, s.models, s.start_time, "
      "s.lease_end, (SELECT COUNT(*) FROM jobs AS j",
      IndexedBy(dialect, "jobs_running"),
      " WHERE j.state = 2 AND j.server = s.name) FROM servers AS s WHERE s.lease_end > ? "
      "ORDER BY s.name");
}

// Lists are stored one entry a line.
std::string Lines(const std::vector<std::string>& entries) { return absl::StrJoin(entries, "\n"); }
std::vector<std::string> Entries(const std::string& lines) {
  return absl::StrSplit(lines, '\n', absl::SkipEmpty());
}

void BindServer(Statement& insert, const ServerRecord& server) {
  insert.Bind(server.name).Bind(StoredBits(server.instance)).Bind(server.address);
  insert.Bind(server.version).Bind(Lines(server.devices)).Bind(Lines(server.models));
  insert.Bind(absl::ToUnixMicros(server.start_time));
}

ServerRecord ReadServer(const Statement& select) {
  ServerRecord server;
  server.name = select.Bytes(0);
  server.instance = static_cast<uint64_t>(select.Int(1));
  server.address = select.Bytes(2);
  server.version = select.Bytes(3);
  server.devices = Entries(select.Bytes(4));
  server.models = Entries(select.Bytes(5));
  server.start_time = absl::FromUnixMicros(select.Int(6));
  server.lease_end = absl::FromUnixMicros(select.Int(7));
  server.running_jobs = select.Int(8);
  return server;
}

absl::Status ForgetAllBut(Connection& db, const ServerRecord& server) {
  ASSIGN_OR_RETURN(Statement remove, db.Prepare("DELETE FROM servers WHERE instance <> ?"));
  return remove.Bind(StoredBits(server.instance)).Run();
}

absl::Status ForgetDead(Connection& db, int64_t now) {
  ASSIGN_OR_RETURN(Statement remove,
                   db.Prepare(absl::StrCat("DELETE FROM servers WHERE name IN (SELECT name FROM "
                                           "servers WHERE lease_end <= ? ORDER BY lease_end "
                                           "LIMIT ?",
                                           ForUpdate(db.dialect()), ")")));
  return remove.Bind(now).Bind(kMaxForgottenPerCall).Run();
}

}  // namespace

absl::Status SqlJobStore::Register(const ServerRecord& server, const Terms& terms) {
  return database_->WriteUrgently([&](Connection& db) -> absl::Status {
    const int64_t now = Now(db);
    if (terms.alone) RETURN_IF_ERROR(ForgetAllBut(db, server));
    ASSIGN_OR_RETURN(Statement insert, db.Prepare(kRegisterSql));
    BindServer(insert, server);
    insert.Bind(now + absl::ToInt64Microseconds(terms.lease)).Bind(now);
    ASSIGN_OR_RETURN(const bool registered, insert.Step());
    if (registered) return ForgetDead(db, now);
    return absl::AlreadyExistsError(
        absl::StrCat("another server of this queue is named ", server.name));
  });
}

absl::Status SqlJobStore::Unregister(const ServerRecord& server) {
  return database_->WriteUrgently([&](Connection& db) -> absl::Status {
    ASSIGN_OR_RETURN(Statement remove,
                     db.Prepare("DELETE FROM servers WHERE name = ? AND instance = ?"));
    return remove.Bind(server.name).Bind(StoredBits(server.instance)).Run();
  });
}

absl::StatusOr<std::vector<ServerRecord>> SqlJobStore::Servers() {
  using Records = std::vector<ServerRecord>;
  return database_->Read<Records>([](Connection& db) -> absl::StatusOr<Records> {
    ASSIGN_OR_RETURN(Statement select, db.Prepare(ListSql(db.dialect())));
    select.Bind(Now(db));
    Records servers;
    while (true) {
      ASSIGN_OR_RETURN(const bool more, select.Step());
      if (!more) return servers;
      servers.push_back(ReadServer(select));
    }
  });
}

}  // namespace tweedie::sql
