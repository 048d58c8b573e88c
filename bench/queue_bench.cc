// The queue beside the same done with bare SQL, in the same run: jobs claimed and
// finished by 1, 2 and 4 servers; and one submit, and one claim with its finish,
// with a million ended rows beside the same without; and passes of retention then.
// PostgreSQL is one of the tests' (its fsync is off, for all alike); SQLite's file is
// on the disk of the temporary folder.
//
// build/release/bench/queue_bench [--benchmark_filter=...]
#include <benchmark/benchmark.h>
#include <libpq-fe.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "bench/fail.h"
#include "bench/seconds.h"
#include "core/base/clock.h"
#include "core/base/ids.h"
#include "core/jobs/postgres/postgres_job_store.h"
#include "core/jobs/sqlite/sqlite_job_store.h"
#include "tests/testing/postgres_cluster.h"
#include "tests/testing/sqlite_file.h"
#include "tests/testing/temp_folder.h"

namespace tweedie {
namespace {

constexpr int kJobs = 400;  // of a round
constexpr int kEndedRows = 1000000;

double SecondsOf(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return SecondsSince(start);
}

void OnThreads(int count, const std::function<void(int)>& work) {
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i) threads.emplace_back(work, i);
  for (std::thread& thread : threads) thread.join();
}

std::unique_ptr<JobStore> OpenPostgres(const std::string& schema) {
  PostgresOptions options;
  options.connection = PostgresCluster::Shared().connection();
  options.schema = schema;
  return OpenPostgresQueue(options, {}).value().jobs;
}

NewJob TinyJob() {
  NewJob job;
  job.record.id = "job-" + RandomId(16);
  job.record.model = "m";
  job.record.creator = "ada";
  job.record.spec = std::string(200, 's');
  job.record.num_images = 1;
  job.record.cost_bytes = 1;
  return job;
}

void Submit(JobStore& store, int count) {
  const CreateLimits no_limits = {1 << 30, 1 << 30};
  for (int done = 0; done < count; done += 100) {
    std::vector<NewJob> jobs(std::min(100, count - done));
    std::generate(jobs.begin(), jobs.end(), TinyJob);
    if (const auto created = store.Create(jobs, no_limits); !created.ok()) {
      Fail(created.status().ToString());
    }
  }
}

// False if there was nothing to claim.
bool RunOne(JobStore& store, const std::string& server) {
  const auto claimed = store.Claim({server, "cpu", {"m"}, 1 << 30, absl::Seconds(30)}).value();
  if (!claimed.has_value()) return false;
  JobEnd end;
  end.event = JobEvent::kSucceed;
  store.Finish(claimed->lease, end).value();
  return true;
}

void Report(benchmark::State& state) {
  state.counters["jobs/s"] = benchmark::Counter(static_cast<double>(state.iterations() * kJobs),
                                                benchmark::Counter::kIsRate);
}

// --- Claims and finishes ----------------------------------------------------

void DrainWith(benchmark::State& state, const std::vector<std::unique_ptr<JobStore>>& stores) {
  for (auto _ : state) {
    Submit(*stores[0], kJobs);
    state.SetIterationTime(SecondsOf([&] {
      OnThreads(static_cast<int>(stores.size()), [&](int i) {
        while (RunOne(*stores[i], absl::StrCat("server-", i))) {
        }
      });
    }));
  }
  Report(state);
}

void PostgresServers(benchmark::State& state) {
  const std::string schema = "bench_" + RandomId(12);
  std::vector<std::unique_ptr<JobStore>> stores;
  for (int i = 0; i < state.range(0); ++i) stores.push_back(OpenPostgres(schema));
  DrainWith(state, stores);
}

void SqliteServer(benchmark::State& state) {
  const TempFolder folder;
  std::vector<std::unique_ptr<JobStore>> stores;
  stores.push_back(OpenSqliteJobStore(folder.File("queue.sqlite"), {}, Clock::Real()).value());
  DrainWith(state, stores);
}

// --- The same in bare SQL ---------------------------------------------------

struct Disconnect {
  void operator()(PGconn* connection) const { PQfinish(connection); }
};
using BareConnection = std::unique_ptr<PGconn, Disconnect>;

BareConnection Connect() {
  return BareConnection(PQconnectdb(PostgresCluster::Shared().connection().c_str()));
}

// The first value that `sql` returns; empty if there is none.
std::string Execute(PGconn* db, const std::string& sql) {
  PGresult* const result = PQexec(db, sql.c_str());
  const ExecStatusType status = PQresultStatus(result);
  std::string value = PQntuples(result) > 0 ? PQgetvalue(result, 0, 0) : "";
  PQclear(result);
  if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
    Fail(PQerrorMessage(db));
  }
  return value;
}

// A claim and a finish, fenced by a token: the least that a queue does.
bool RunOneBare(PGconn* db) {
  const std::string id =
      Execute(db,
              "UPDATE bare SET state = 2, token = random() WHERE id = (SELECT id FROM bare WHERE "
              "state = 1 ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING id");
  if (id.empty()) return false;
  Execute(db, absl::StrCat("UPDATE bare SET state = 3 WHERE state = 2 AND id = ", id));
  return true;
}

void BareSql(benchmark::State& state) {
  const std::string schema = "bare_" + RandomId(12);
  std::vector<BareConnection> connections;
  for (int i = 0; i < state.range(0); ++i) {
    connections.push_back(Connect());
    if (i == 0) {
      Execute(connections[0].get(),
              absl::StrCat("CREATE SCHEMA ", schema, "; CREATE TABLE ", schema,
                           ".bare (id bigserial PRIMARY KEY, state int, spec text, token float8); "
                           "CREATE INDEX ON ",
                           schema, ".bare (id) WHERE state = 1"));
    }
    Execute(connections[i].get(), absl::StrCat("SET search_path TO ", schema));
  }
  for (auto _ : state) {
    Execute(connections[0].get(),
            absl::StrCat("INSERT INTO bare (state, spec) SELECT 1, repeat('s', 200) FROM "
                         "generate_series(1, ",
                         kJobs, ")"));
    state.SetIterationTime(SecondsOf([&] {
      OnThreads(static_cast<int>(connections.size()), [&](int i) {
        while (RunOneBare(connections[i].get())) {
        }
      });
    }));
  }
  Report(state);
}

// --- Ended rows -------------------------------------------------------------

// Copies of one job of a queue in which all have ended: `columns` are the table's, but
// for `id` and `row`; `numbers` is a query that yields so many.
std::string CopiesSql(const std::string& columns, const std::string& numbers) {
  return absl::StrCat("INSERT INTO jobs (id, ", columns, ") SELECT 'ended-' || n, ", columns,
                      " FROM (SELECT * FROM jobs LIMIT 1) AS one, (", numbers, ") AS numbers");
}

// A queue, and SQL that is done to its tables behind its back; returns a value.
struct Queue {
  std::unique_ptr<JobStore> store;
  std::function<std::string(const std::string&)> sql;
  std::string columns_sql;
  std::string numbers_sql;
  std::string analyze_sql = {};  // what the database does by itself, sooner or later
};

Queue PostgresQueue() {
  const std::string schema = "ended_" + RandomId(12);
  return {OpenPostgres(schema),
          [schema](const std::string& statements) {
            return PostgresCluster::Shared()
                .Sql(absl::StrCat("SET search_path TO ", schema, ";", statements))
                .value();
          },
          absl::StrCat("SELECT string_agg(column_name, ', ') FROM information_schema.columns "
                       "WHERE table_schema = '",
                       schema, "' AND table_name = 'jobs' AND column_name NOT IN ('id', 'row')"),
          absl::StrCat("SELECT n FROM generate_series(1, ", kEndedRows, ") AS n"),
          "ANALYZE jobs; CHECKPOINT"};
}

Queue SqliteQueue(const std::string& path) {
  return {OpenSqliteJobStore(path, {}, Clock::Real()).value(),
          [path](const std::string& statements) { return SqliteSql(path, statements).value(); },
          "SELECT group_concat(name, ', ') FROM pragma_table_info('jobs') "
          "WHERE name NOT IN ('id', 'row')",
          absl::StrCat("WITH RECURSIVE series (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM series "
                       "WHERE n < ",
                       kEndedRows, ") SELECT n FROM series")};
}

double Percentile(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  return values[static_cast<size_t>(share * static_cast<double>(values.size() - 1))];
}

// Of 1,000 submits, and of 1,000 claims with their finishes, in milliseconds.
struct Latencies {
  std::vector<double> submits;
  std::vector<double> claims;
};

Latencies Measure(JobStore& store) {
  Latencies latencies;
  for (int i = 0; i < 1000; ++i) {
    latencies.submits.push_back(1e3 * SecondsOf([&] { Submit(store, 1); }));
    latencies.claims.push_back(1e3 * SecondsOf([&] { RunOne(store, "server"); }));
  }
  return latencies;
}

// Passes over 10,000 jobs that are past their time: the longest, in milliseconds.
double LongestExpiryPass(const Queue& queue, benchmark::State& state) {
  queue.sql(
      absl::StrCat("UPDATE jobs SET expire_time = 1 WHERE id IN (SELECT id FROM jobs WHERE "
                   "state > 2 LIMIT 10000)"));
  double longest = 0;
  size_t most = 0;
  for (int pass = 0; pass < 20; ++pass) {
    longest = std::max(longest, 1e3 * SecondsOf([&] {
                                  most = std::max(most, queue.store->Expire().value().size());
                                }));
  }
  state.counters["expired_a_pass"] = static_cast<double>(most);
  return longest;
}

// The same with a million ended rows as without, in one run.
void MeasureWithEndedRows(benchmark::State& state, const Queue& queue) {
  Submit(*queue.store, 1);
  RunOne(*queue.store, "server");
  const std::string copies = CopiesSql(queue.sql(queue.columns_sql), queue.numbers_sql);
  Latencies before, after;
  for (auto _ : state) {
    const Latencies warm_up = Measure(*queue.store);
    before = Measure(*queue.store);
    queue.sql(copies);
    if (!queue.analyze_sql.empty()) queue.sql(queue.analyze_sql);
    after = Measure(*queue.store);
    state.SetIterationTime(1);
  }
  for (const double share : {0.5, 0.99}) {
    const std::string name = absl::StrCat("p", 100 * share);
    const auto report = [&](const char* what, const std::vector<double>& without,
                            const std::vector<double>& with) {
      state.counters[absl::StrCat(what, "_", name)] = Percentile(without, share);
      state.counters[absl::StrCat(what, "_", name, "_ratio")] =
          Percentile(with, share) / Percentile(without, share);
    };
    report("submit", before.submits, after.submits);
    report("claim", before.claims, after.claims);
  }
  state.counters["expiry_pass_ms"] = LongestExpiryPass(queue, state);
}

void PostgresEndedRows(benchmark::State& state) { MeasureWithEndedRows(state, PostgresQueue()); }

void SqliteEndedRows(benchmark::State& state) {
  const TempFolder folder;
  MeasureWithEndedRows(state, SqliteQueue(folder.File("queue.sqlite")));
}

BENCHMARK(BareSql)->Arg(1)->Arg(2)->Arg(4)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(PostgresServers)->Arg(1)->Arg(2)->Arg(4)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(SqliteServer)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(PostgresEndedRows)->Iterations(1)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(SqliteEndedRows)->Iterations(1)->UseManualTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace tweedie

BENCHMARK_MAIN();
