// What is particular to PostgreSQL: connections that break, several servers, and
// news.
#include <atomic>
#include <map>
#include <set>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_format.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "core/jobs/postgres/connection.h"
#include "core/jobs/postgres/database.h"
#include "core/jobs/postgres/schema.h"
#include "core/jobs/postgres/sql_text.h"
#include "core/jobs/sql/sql_job_store.h"
#include "tests/contract/job_store_fixture.h"
#include "tests/testing/cutting_proxy.h"

namespace tweedie {
namespace {

using ::testing::_;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using Cut = CuttingProxy::Cut;

// What a client sends to end a transaction that writes; to begin one it sends
// READ COMMITTED.
constexpr char kCommit[] = "; COMMIT";

class PostgresTest : public ::testing::Test {
 protected:
  static PostgresCluster& cluster() { return PostgresCluster::Shared(); }

  PostgresOptions Options() const {
    PostgresOptions options;
    options.connection = cluster().connection();
    options.schema = schema_;
    options.call_timeout = absl::Seconds(20);
    return options;
  }
  // One more server's store on the same queue.
  std::unique_ptr<JobStore> Open(const PostgresOptions& options) const {
    auto queue = OpenPostgresQueue(options, RetentionPolicy());
    EXPECT_OK(queue);
    return queue.ok() ? std::move(queue->jobs) : nullptr;
  }
  std::unique_ptr<JobStore> Open() const { return Open(Options()); }
  // Likewise by way of the proxy.
  std::unique_ptr<JobStore> OpenByProxy() {
    PostgresOptions options = Options();
    options.connection = PostgresCluster::ConnectionIn(proxy_.folder());
    return Open(options);
  }
  static ClaimRequest Request(const std::string& server = "server-1") {
    return {server, "cpu", {"m"}, 1000, absl::Seconds(30)};
  }
  static Claimed Claim(JobStore& store) {
    auto claimed = store.Claim(Request());
    EXPECT_OK(claimed);
    return claimed.ok() && claimed->has_value() ? **claimed : Claimed();
  }
  static ServerRecord NamedServer(const std::string& name) {
    ServerRecord server;
    server.name = name;
    return server;
  }
  static JobEnd Success() {
    JobEnd end;
    end.result = {"job-1/result-1", 5, "aa"};
    return end;
  }
  std::string Sql(const std::string& statements) const {
    auto value = cluster().Sql(
        absl::StrCat("SET search_path = ", postgres::QuotedIdentifier(schema_), "; ", statements));
    EXPECT_OK(value);
    return value.value_or("");
  }

  const std::string schema_ = "test_" + RandomId(12);
  CuttingProxy proxy_{cluster().folder()};
};

// --- Connections that break -----------------------------------------------

class CutTest : public PostgresTest, public ::testing::WithParamInterface<Cut> {};

// Each call does its work once, and tells what it did, wherever its commit's
// connection breaks.
TEST_P(CutTest, EveryWriteIsDoneOnce) {
  const auto store = OpenByProxy();
  int cuts = 0;
  const auto cut = [&] {
    EXPECT_EQ(proxy_.num_cuts(), cuts++);
    proxy_.CutAt(kCommit, GetParam());
  };

  cut();
  std::vector<bool> created;
  ASSERT_OK(store->Create({MakeJob("job-1")}, CreateLimits(), &created));
  EXPECT_THAT(created, ElementsAre(true));

  cut();
  const Claimed claimed = Claim(*store);
  EXPECT_EQ(claimed.job.attempt, 1);
  EXPECT_EQ(claimed.job.crashes, 1);

  cut();
  ASSERT_OK_AND_ASSIGN(BlobRef replaced,
                       store->Checkpoint(claimed.lease, {5, 10, 0}, {"job-1/c1", 5, "aa"}));
  EXPECT_EQ(replaced.name, "");

  cut();
  ASSERT_OK_AND_ASSIGN(JobRecord job, store->Release(claimed.lease, claimed.job.sequence));
  EXPECT_EQ(job.state, JobState::kQueued);
  EXPECT_EQ(job.sequence, claimed.job.sequence + 1);

  const Claimed again = Claim(*store);
  cut();
  ASSERT_OK_AND_ASSIGN(job, store->Cancel("job-1"));
  EXPECT_TRUE(job.cancel_requested);

  cut();
  ASSERT_OK_AND_ASSIGN(const auto beats, store->Heartbeat({again.lease}, absl::Seconds(30)));
  EXPECT_TRUE(beats.at(0).held);

  cut();
  ASSERT_OK_AND_ASSIGN(job, store->Finish(again.lease, Success()));
  EXPECT_EQ(job.state, JobState::kSucceeded);
  EXPECT_EQ(job.sequence, again.job.sequence + 1);

  cut();
  ASSERT_OK_AND_ASSIGN(job, store->Delete("job-1"));
  EXPECT_EQ(job.result.name, "job-1/result-1");
  EXPECT_EQ(proxy_.num_cuts(), cuts);
  EXPECT_THAT(store->Get("job-1"), StatusIs(absl::StatusCode::kNotFound, _));
}

TEST_P(CutTest, ReadsAreRepeated) {
  const auto store = OpenByProxy();
  ASSERT_OK(store->Create({MakeJob("job-1")}, CreateLimits()));
  for (const char* word : {"BEGIN", "COMMIT"}) {
    proxy_.CutAt(word, GetParam());
    EXPECT_OK(store->Get("job-1")) << word;
  }
  EXPECT_EQ(proxy_.num_cuts(), 2);
}

INSTANTIATE_TEST_SUITE_P(Cuts, CutTest, ::testing::Values(Cut::kBefore, Cut::kAfter),
                         [](const auto& test) {
                           return test.param == Cut::kBefore ? "BeforeTheCommit" : "AfterTheCommit";
                         });

TEST_F(PostgresTest, WriteIsRepeatedIfItsConnectionBreaksInTheMiddle) {
  const auto store = OpenByProxy();
  proxy_.CutAt("INSERT INTO jobs", Cut::kAfter);
  std::vector<bool> created;
  ASSERT_OK(store->Create({MakeJob("job-1")}, CreateLimits(), &created));
  EXPECT_THAT(created, ElementsAre(true));
  EXPECT_EQ(proxy_.num_cuts(), 1);
}

TEST_F(PostgresTest, CommitThatCannotBeAskedForIsInDoubt) {
  PostgresOptions options = Options();
  options.call_timeout = absl::Seconds(2);
  options.connection = PostgresCluster::ConnectionIn(proxy_.folder());
  const auto store = Open(options);
  proxy_.CutAt(kCommit, Cut::kForGood);
  const auto created = store->Create({MakeJob("job-1")}, CreateLimits());
  ASSERT_THAT(created, StatusIs(absl::StatusCode::kUnavailable, HasSubstr("not known")));
  EXPECT_TRUE(created.status().GetPayload(kInDoubtPayload).has_value());
  proxy_.Mend();
  EXPECT_THAT(store->Get("job-1"), StatusIs(absl::StatusCode::kNotFound, _));
}

TEST_F(PostgresTest, StoreGoesOnAfterEachRestart) {
  const auto store = Open();
  for (int i = 0; i < 3; ++i) {
    const std::string id = absl::StrCat("job-", i);
    ASSERT_OK(store->Create({MakeJob(id)}, CreateLimits()));
    i % 2 == 0 ? cluster().Crash() : cluster().Stop();
    ASSERT_OK(cluster().Restart());
    EXPECT_OK(store->Get(id)) << "nothing that was acknowledged is lost";
  }
}

TEST_F(PostgresTest, CallsWaitThroughARestart) {
  const auto store = Open();
  ASSERT_OK(store->Create({MakeJob("job-1")}, CreateLimits()));
  cluster().Crash();
  absl::Status got;
  std::thread getter([&] { got = store->Get("job-1").status(); });
  EXPECT_OK(cluster().Restart());
  getter.join();
  EXPECT_OK(got);
}

TEST_F(PostgresTest, DatabaseThatIsAwayIsUnavailable) {
  PostgresOptions options = Options();
  options.call_timeout = absl::Seconds(2);
  const auto store = Open(options);
  cluster().Crash();
  EXPECT_THAT(store->Get("job-1"), StatusIs(absl::StatusCode::kUnavailable, _));
  EXPECT_THAT(store->Claim(Request()), StatusIs(absl::StatusCode::kUnavailable, _));
  EXPECT_THAT(OpenPostgresQueue(options, RetentionPolicy()),
              StatusIs(absl::StatusCode::kUnavailable, _));
  EXPECT_OK(cluster().Restart());
  EXPECT_THAT(store->Get("job-1"), StatusIs(absl::StatusCode::kNotFound, _));
}

TEST_F(PostgresTest, DatabaseThatDoesNotAnswerIsUnavailableInTime) {
  PostgresOptions options = Options();
  options.call_timeout = absl::Seconds(2);
  options.connection = PostgresCluster::ConnectionIn(proxy_.folder());
  const auto store = Open(options);
  proxy_.CutAt("BEGIN", Cut::kSilent);
  const absl::Time start = absl::Now();
  EXPECT_THAT(store->Get("job-1"), StatusIs(absl::StatusCode::kUnavailable, HasSubstr("in time")));
  EXPECT_LT(absl::Now() - start, absl::Seconds(60)) << "not for ever";
  EXPECT_THAT(store->Get("job-1"), StatusIs(absl::StatusCode::kNotFound, _));
}

// A server that is suspended in the middle of a transaction.
TEST_F(PostgresTest, LocksOfAStuckServerAreTakenFromIt) {
  PostgresOptions options = Options();
  const auto store = Open(options);
  options.call_timeout = absl::Seconds(4);
  ASSERT_OK_AND_ASSIGN(const auto stuck, postgres::PgConnection::Open(options));
  ASSERT_OK(stuck->Begin(postgres::PgConnection::Mode::kWrite));
  ASSERT_OK(stuck->LockQueue());
  EXPECT_OK(store->Create({MakeJob("job-1")}, CreateLimits()));
  stuck->set_deadline(absl::Now() + absl::Seconds(10));
  EXPECT_THAT(stuck->Execute("SELECT 1"), StatusIs(absl::StatusCode::kUnavailable, _));
  EXPECT_TRUE(stuck->broken());
}

TEST_F(PostgresTest, ConnectionsAreBounded) {
  PostgresOptions options = Options();
  options.max_connections = 3;
  options.connection = PostgresCluster::ConnectionIn(proxy_.folder());
  const auto store = Open(options);
  std::vector<std::thread> threads;
  std::atomic<int> errors = 0;
  for (int t = 0; t < 12; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 10; ++i) {
        if (!store->Count().ok()) ++errors;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(errors, 0);
  EXPECT_LE(proxy_.num_connections(), 1 + 3) << "one for the migration";
}

// --- Several servers ------------------------------------------------------

TEST_F(PostgresTest, TwoServersShareTheQueueAndEndEachJobOnce) {
  constexpr int kJobs = 120;
  constexpr int kThreads = 3;
  const std::unique_ptr<JobStore> stores[] = {Open(), Open()};
  std::vector<NewJob> jobs;
  for (int i = 0; i < kJobs; ++i) jobs.push_back(MakeJob(absl::StrCat("job-", i)));
  ASSERT_OK(stores[0]->Create(jobs, CreateLimits()));
  std::atomic<int> finished = 0;
  std::atomic<int> errors = 0;
  const auto work = [&](JobStore& store) {
    while (finished < kJobs && errors == 0) {
      const auto claimed = store.Claim(Request());
      if (!claimed.ok()) ++errors;
      if (!claimed.ok() || !claimed->has_value()) continue;
      store.Finish((*claimed)->lease, Success()).ok() ? ++finished : ++errors;
    }
  };
  std::vector<std::thread> threads;
  for (int t = 0; t < 2 * kThreads; ++t) threads.emplace_back(work, std::ref(*stores[t % 2]));
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(errors, 0);
  EXPECT_EQ(Sql("SELECT count(*) FROM jobs WHERE state = 3 AND attempt = 1"), absl::StrCat(kJobs));
}

TEST_F(PostgresTest, ClaimPassesOverAJobThatAnotherIsTaking) {
  const auto store = Open();
  for (const char* id : {"first", "second"}) {
    ASSERT_OK(store->Create({MakeJob(id)}, CreateLimits()));
  }
  ASSERT_OK_AND_ASSIGN(const auto other, postgres::PgConnection::Open(Options()));
  ASSERT_OK(other->Begin(postgres::PgConnection::Mode::kWrite));
  ASSERT_OK(other->Execute("SELECT 1 FROM jobs WHERE id = 'first' FOR UPDATE"));
  EXPECT_EQ(Claim(*store).job.id, "second");
}

TEST_F(PostgresTest, LargeJobIsNotOvertakenWhileAnotherLooksAtIt) {
  const auto store = Open();
  ASSERT_OK(store->Create({MakeJob("large", {.cost_bytes = 1001})}, CreateLimits()));
  ASSERT_OK(store->Create({MakeJob("small")}, CreateLimits()));
  ASSERT_OK_AND_ASSIGN(const auto other, postgres::PgConnection::Open(Options()));
  ASSERT_OK(other->Begin(postgres::PgConnection::Mode::kWrite));
  ASSERT_OK(other->Execute("SELECT 1 FROM jobs WHERE id = 'large' FOR UPDATE"));
  ASSERT_OK_AND_ASSIGN(const auto claimed, store->Claim(Request()));
  EXPECT_FALSE(claimed.has_value());
}

TEST_F(PostgresTest, RescueAndExpiryPassOverWhatAnotherIsAtWithoutWaiting) {
  PostgresOptions options = Options();
  FakeClock clock;
  options.clock = &clock;
  const auto store = Open(options);
  for (const char* id : {"running-1", "running-2", "ended-1", "ended-2"}) {
    ASSERT_OK(store->Create({MakeJob(id)}, CreateLimits()));
  }
  for (const char* id : {"ended-1", "ended-2"}) ASSERT_OK(store->Cancel(id));
  Claim(*store);
  Claim(*store);
  clock.Advance(absl::Hours(25));
  ASSERT_OK_AND_ASSIGN(const auto other, postgres::PgConnection::Open(Options()));
  ASSERT_OK(other->Begin(postgres::PgConnection::Mode::kWrite));
  ASSERT_OK(other->Execute("SELECT 1 FROM jobs WHERE id LIKE '%-1' FOR UPDATE"));
  ASSERT_OK_AND_ASSIGN(const auto rescued, store->Rescue(/*all=*/false));
  EXPECT_THAT(rescued, ElementsAre(HasId("running-2")));
  ASSERT_OK_AND_ASSIGN(const auto expired, store->Expire());
  EXPECT_THAT(expired, ElementsAre(HasId("ended-2")));
}

TEST_F(PostgresTest, TimesAreTheDatabasesUnlessAClockIsGiven) {
  const auto store = Open();
  const absl::Duration tolerance = absl::Seconds(1);
  const auto now = [&] {
    return absl::FromUnixMicros(
        std::stoll(Sql("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint")));
  };
  const absl::Time before = now();
  ASSERT_OK(store->Create({MakeJob("job-1")}, CreateLimits()));
  Claim(*store);
  const absl::Time after = now();
  ASSERT_OK_AND_ASSIGN(const JobRecord job, store->Get("job-1"));
  EXPECT_GE(job.create_time, before - tolerance);
  EXPECT_LE(job.create_time, job.start_time);
  EXPECT_LE(job.start_time, after);
  const absl::Time lease_end = absl::FromUnixMicros(std::stoll(Sql("SELECT lease_end FROM jobs")));
  EXPECT_EQ(lease_end, job.start_time + absl::Seconds(30));
}

TEST_F(PostgresTest, QueuesOfDifferentSchemasAreApart) {
  const auto store = Open();
  PostgresOptions options = Options();
  options.schema = schema_ + "\"; x";
  const auto other = Open(options);
  ASSERT_OK(store->Create({MakeJob("job-1")}, CreateLimits()));
  EXPECT_THAT(other->Get("job-1"), StatusIs(absl::StatusCode::kNotFound, _));
  ASSERT_OK(other->Create({MakeJob("job-1")}, CreateLimits()));
}

// --- News -----------------------------------------------------------------

// Collects news, and waits for some.
class NewsLog {
 public:
  void Add(const QueueNews& news) {
    absl::MutexLock lock(&mu_);
    ++count_;
    if (!news.cancelled.empty()) cancelled_.insert(news.cancelled);
    for (const std::string& id : news.changed) ++changed_[id];
    if (news.missed) ++missed_;
  }
  // Waits until a job was told of so often as having changed.
  bool WaitForChanges(const std::string& id, int times) {
    absl::MutexLock lock(&mu_);
    const auto told = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return changed_[id] >= times; };
    return mu_.AwaitWithTimeout(absl::Condition(&told), absl::Seconds(30));
  }
  bool WaitForMissed(int times) {
    absl::MutexLock lock(&mu_);
    const auto told = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return missed_ >= times; };
    return mu_.AwaitWithTimeout(absl::Condition(&told), absl::Seconds(30));
  }
  bool WaitForCancelled(const std::string& id) {
    absl::MutexLock lock(&mu_);
    const auto told = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return cancelled_.count(id) > 0; };
    return mu_.AwaitWithTimeout(absl::Condition(&told), absl::Seconds(30));
  }
  bool WaitForMoreThan(int count) {
    absl::MutexLock lock(&mu_);
    const auto told = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return count_ > count; };
    return mu_.AwaitWithTimeout(absl::Condition(&told), absl::Seconds(30));
  }
  int count() {
    absl::MutexLock lock(&mu_);
    return count_;
  }

 private:
  absl::Mutex mu_;
  int count_ ABSL_GUARDED_BY(mu_) = 0;
  int missed_ ABSL_GUARDED_BY(mu_) = 0;
  std::set<std::string> cancelled_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, int> changed_ ABSL_GUARDED_BY(mu_);
};

TEST_F(PostgresTest, ServersHearOfJobsAndCancellationsOfOthers) {
  const auto here = Open();
  const auto there = Open();
  NewsLog log;
  const auto subscription = there->Listen([&](const QueueNews& news) { log.Add(news); });
  ASSERT_TRUE(log.WaitForMoreThan(0)) << "once it listens";
  int heard = log.count();
  ASSERT_OK(here->Create({MakeJob("job-1")}, CreateLimits()));
  EXPECT_TRUE(log.WaitForMoreThan(heard));
  Lease lease = Claim(*here).lease;
  heard = log.count();
  ASSERT_OK(here->Release(lease, 0));
  EXPECT_TRUE(log.WaitForMoreThan(heard));
  lease = Claim(*here).lease;
  ASSERT_OK(here->Cancel("job-1"));
  EXPECT_TRUE(log.WaitForCancelled("job-1"));
}

TEST_F(PostgresTest, ServersHearOfEveryChangeOfStateByOthers) {
  const auto here = Open();
  const auto there = Open();
  NewsLog log;
  const auto subscription = there->Listen([&](const QueueNews& news) { log.Add(news); });
  ASSERT_TRUE(log.WaitForMissed(1)) << "once it listens";
  int told = 0;
  ASSERT_OK(here->Create({MakeJob("job-1")}, CreateLimits()));
  EXPECT_TRUE(log.WaitForChanges("job-1", ++told)) << "created";
  Lease lease = Claim(*here).lease;
  EXPECT_TRUE(log.WaitForChanges("job-1", ++told)) << "claimed";
  ASSERT_OK(here->Release(lease, 0));
  EXPECT_TRUE(log.WaitForChanges("job-1", ++told)) << "released";
  lease = Claim(*here).lease;
  EXPECT_TRUE(log.WaitForChanges("job-1", ++told)) << "claimed";
  ASSERT_OK(here->Rescue(/*all=*/true));
  EXPECT_TRUE(log.WaitForChanges("job-1", ++told)) << "rescued";
  lease = Claim(*here).lease;
  EXPECT_TRUE(log.WaitForChanges("job-1", ++told)) << "claimed";
  ASSERT_OK(here->Finish(lease, Success()));
  EXPECT_TRUE(log.WaitForChanges("job-1", ++told)) << "finished";
  ASSERT_OK(here->Delete("job-1"));
  EXPECT_TRUE(log.WaitForChanges("job-1", ++told)) << "deleted";
  ASSERT_OK(here->Create({MakeJob("job-2")}, CreateLimits()));
  ASSERT_OK(here->Cancel("job-2"));
  EXPECT_TRUE(log.WaitForChanges("job-2", 2)) << "created, cancelled";
}

TEST_F(PostgresTest, NewsOfManyJobsAtOnceAreTold) {
  const auto store = Open();
  NewsLog log;
  const auto subscription = store->Listen([&](const QueueNews& news) { log.Add(news); });
  ASSERT_TRUE(log.WaitForMissed(1));
  std::vector<NewJob> jobs;  // with the longest ids that there are
  for (int i = 0; i < 1000; ++i) jobs.push_back(MakeJob(absl::StrFormat("%063d", i)));
  ASSERT_OK(store->Create(jobs, CreateLimits()));
  for (const NewJob& job : jobs) ASSERT_TRUE(log.WaitForChanges(job.record.id, 1));
}

TEST_F(PostgresTest, LeasesAreRenewedWhileAllConnectionsAreBusy) {
  PostgresOptions options = Options();
  options.max_connections = 1;
  ASSERT_OK_AND_ASSIGN(auto opened, postgres::PgDatabase::Open(options));
  postgres::PgDatabase* const database = opened.get();
  sql::SqlJobStore store(std::move(opened), RetentionPolicy());
  absl::Notification busy, done;
  std::thread user([&] {
    EXPECT_OK(database->Read([&](sql::Connection&) {
      busy.Notify();
      done.WaitForNotification();
      return absl::OkStatus();
    }));
  });
  busy.WaitForNotification();
  EXPECT_OK(store.Heartbeat({{"job-1", 1, 1}}, absl::Seconds(30)));
  EXPECT_OK(store.Register(NamedServer("one"), {}));
  done.Notify();
  user.join();
}

TEST_F(PostgresTest, NewsGoOnAfterARestart) {
  const auto store = Open();
  NewsLog log;
  const auto subscription = store->Listen([&](const QueueNews& news) { log.Add(news); });
  ASSERT_TRUE(log.WaitForMoreThan(0));
  const int heard = log.count();
  cluster().Crash();
  ASSERT_OK(cluster().Restart());
  EXPECT_TRUE(log.WaitForMoreThan(heard)) << "there may have been some meanwhile";
  EXPECT_TRUE(log.WaitForMissed(2));
  ASSERT_OK(store->Create({MakeJob("job-1")}, CreateLimits()));
  Claim(*store);
  ASSERT_OK(store->Cancel("job-1"));
  EXPECT_TRUE(log.WaitForCancelled("job-1"));
}

TEST_F(PostgresTest, SubscriptionEndsWhileTheDatabaseIsAway) {
  const auto store = Open();
  auto subscription = store->Listen([](const QueueNews&) {});
  cluster().Crash();
  subscription.reset();
  EXPECT_OK(cluster().Restart());
}

// --- Schema and session ---------------------------------------------------

TEST_F(PostgresTest, OfServersThatStartAtOnceOneMigrates) {
  std::vector<std::thread> threads;
  std::atomic<int> opened = 0;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] { opened += OpenPostgresQueue(Options(), {}).ok() ? 1 : 0; });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(opened, 4);
  EXPECT_EQ(Sql("SELECT version FROM schema_version"), absl::StrCat(postgres::SchemaVersion()));
}

TEST_F(PostgresTest, QueueOfTheFirstVersionIsMigrated) {
  ASSERT_OK(Open()->Create({MakeJob("job-1")}, CreateLimits()));
  Sql("DROP TABLE servers; DROP INDEX jobs_ended; UPDATE schema_version SET version = 1");
  const auto store = Open();
  EXPECT_OK(store->Get("job-1"));
  EXPECT_OK(store->Register(NamedServer("one"), {}));
  EXPECT_EQ(Sql("SELECT version FROM schema_version"), absl::StrCat(postgres::SchemaVersion()));
}

TEST_F(PostgresTest, NewerFormatIsRefused) {
  Open();
  Sql("UPDATE schema_version SET version = version + 1");
  EXPECT_THAT(OpenPostgresQueue(Options(), RetentionPolicy()),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("newer")));
}

TEST_F(PostgresTest, TablesOfAnotherProgramAreRefused) {
  Sql(absl::StrCat("CREATE SCHEMA ", schema_, "; CREATE TABLE ", schema_, ".jobs (a int)"));
  EXPECT_THAT(OpenPostgresQueue(Options(), RetentionPolicy()),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("another program")));
}

TEST_F(PostgresTest, CommitsAreDurableWhateverTheDatabasesDefault) {
  PostgresOptions options = Options();
  options.connection += " options='-c synchronous_commit=off'";
  ASSERT_OK_AND_ASSIGN(const auto connection, postgres::PgConnection::Open(options));
  ASSERT_OK_AND_ASSIGN(const std::string value,
                       connection->QueryText("SELECT current_setting('synchronous_commit')"));
  EXPECT_EQ(value, "on");
}

TEST_F(PostgresTest, PasswordIsInNoMessage) {
  PostgresOptions options = Options();
  options.call_timeout = absl::Milliseconds(100);
  for (const char* connection :
       {"postgresql://ada:geheim@%2Fnowhere/db", "postgresql://ada:geheim@/db?wrong=geheim",
        "host=/nowhere password=geheim", "host=/nowhere password=geheim geheim", "geheim"}) {
    options.connection = connection;
    const auto opened = OpenPostgresQueue(options, RetentionPolicy());
    EXPECT_THAT(opened.status().ToString(), Not(HasSubstr("geheim"))) << connection;
    EXPECT_FALSE(opened.ok());
  }
}

TEST_F(PostgresTest, PasswordsAreFoundAndNotDescribed) {
  for (const char* connection :
       {"postgresql://ada:geheim@host-1/queue", "postgresql://ada@host-1/queue?password=geheim",
        "host=host-1 dbname=queue user=ada password=geheim"}) {
    EXPECT_TRUE(HoldsPassword(connection)) << connection;
    EXPECT_EQ(DescribeDatabase(connection), "PostgreSQL, database queue, at host-1");
  }
  for (const char* connection : {"postgresql://ada@host-1/queue", "service=queue", "", "geheim"}) {
    EXPECT_FALSE(HoldsPassword(connection)) << connection;
  }
}

TEST_F(PostgresTest, TextThatIsNoneIsRefusedOrMended) {
  const auto store = Open();
  EXPECT_THAT(store->Create({MakeJob("job-1", {.labels = {{"a", "\xff"}}})}, CreateLimits()),
              StatusIs(absl::StatusCode::kInvalidArgument, _));
  ASSERT_OK(store->Create({MakeJob("job-1")}, CreateLimits()));
  JobEnd end;
  end.event = JobEvent::kFail;
  end.failure = JobFailure{absl::StatusCode::kInternal, std::string("a\xff\0b", 4), "R"};
  ASSERT_OK_AND_ASSIGN(const JobRecord job, store->Finish(Claim(*store).lease, end));
  EXPECT_EQ(job.failure->message,
            "a\xef\xbf\xbd\xef\xbf\xbd"
            "b");
}

TEST_F(PostgresTest, ManyStatementsDoNotPileUp) {
  ASSERT_OK_AND_ASSIGN(const auto connection, postgres::PgConnection::Open(Options()));
  for (int i = 0; i < 1000; ++i) {
    ASSERT_OK_AND_ASSIGN(const int64_t value, connection->QueryInt(absl::StrCat("SELECT ", i)));
    EXPECT_EQ(value, i);
  }
  ASSERT_OK_AND_ASSIGN(const int64_t prepared,
                       connection->QueryInt("SELECT count(*) FROM pg_prepared_statements"));
  EXPECT_LT(prepared, 500);
}

}  // namespace
}  // namespace tweedie
