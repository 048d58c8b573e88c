// The queue beside the same done with bare SQL, in the same run: jobs claimed and
// finished by 1, 2 and 4 servers; and one submit, and one claim with its finish,
// with and without a million ended rows. PostgreSQL is one of the tests' (its
// fsync is off, for all alike); SQLite's file is on the disk of the temporary
// folder.
//
// build/release/bench/queue_bench [--benchmark_filter=...]
#include <benchmark/benchmark.h>
#include <libpq-fe.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/clock.h"
#include "core/base/ids.h"
#include "core/jobs/postgres/postgres_job_store.h"
#include "core/jobs/sqlite/sqlite_job_store.h"
#include "tests/testing/postgres_cluster.h"
#include "tests/testing/temp_folder.h"

namespace tweedie {
namespace {

constexpr int kJobs = 400;  // of a round
constexpr int kEndedRows = 1000000;

[[noreturn]] void Fail(const std::string& why) {
  std::fprintf(stderr, "%s\n", why.c_str());
  std::abort();
}

double SecondsOf(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
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

// Copies of the one job of the queue in `schema`, which has ended.
void AddEndedRows(const std::string& schema, int count) {
  PostgresCluster::Shared()
      .Sql(absl::StrCat("SET search_path TO ", schema,
                        "; DO $$ DECLARE columns text; BEGIN SELECT string_agg(column_name, ', ') "
                        "INTO columns FROM information_schema.columns WHERE table_schema = '",
                        schema,
                        "' AND table_name = 'jobs' AND column_name NOT IN ('id', 'row'); EXECUTE "
                        "'INSERT INTO jobs (id, ' || columns || ') SELECT ''ended-'' || n, ' || "
                        "columns || ' FROM jobs, generate_series(1, ",
                        count, ") AS n'; END $$; ANALYZE jobs"))
      .value();
}

double Percentile(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  return values[static_cast<size_t>(share * static_cast<double>(values.size() - 1))];
}

// p50 and p99, in milliseconds, of a submit and of a claim with its finish.
void WithEndedRows(benchmark::State& state) {
  const std::string schema = "ended_" + RandomId(12);
  const std::unique_ptr<JobStore> store = OpenPostgres(schema);
  Submit(*store, 1);
  RunOne(*store, "server");
  if (state.range(0) > 0) AddEndedRows(schema, static_cast<int>(state.range(0)));
  std::vector<double> submits, claims;
  for (auto _ : state) {
    submits.push_back(1e3 * SecondsOf([&] { Submit(*store, 1); }));
    claims.push_back(1e3 * SecondsOf([&] { RunOne(*store, "server"); }));
  }
  state.counters["submit_p50"] = Percentile(submits, 0.5);
  state.counters["submit_p99"] = Percentile(submits, 0.99);
  state.counters["claim_p50"] = Percentile(claims, 0.5);
  state.counters["claim_p99"] = Percentile(claims, 0.99);
  state.counters["expiry_pass_ms"] = 1e3 * SecondsOf([&] { store->Expire().value(); });
}

BENCHMARK(BareSql)->Arg(1)->Arg(2)->Arg(4)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(PostgresServers)->Arg(1)->Arg(2)->Arg(4)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(SqliteServer)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(WithEndedRows)
    ->Arg(0)
    ->Arg(kEndedRows)
    ->Iterations(1000)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace tweedie

BENCHMARK_MAIN();
