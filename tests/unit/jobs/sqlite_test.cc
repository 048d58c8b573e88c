// What is particular to SQLite; the rules of every store are in
// tests/contract.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <limits>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/file.h"
#include "core/base/status_macros.h"
#include "core/jobs/sqlite/database.h"
#include "core/jobs/sqlite/schema.h"
#include "core/jobs/sqlite/sqlite_job_store.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_folder.h"

namespace tweedie::sqlite {
namespace {

using ::testing::_;
using ::testing::HasSubstr;

class SqliteTest : public ::testing::Test {
 protected:
  std::string path() const { return folder_.File("queue.db"); }
  absl::StatusOr<std::unique_ptr<JobStore>> OpenStore() {
    return OpenSqliteJobStore(path(), RetentionPolicy(), &clock_);
  }
  std::unique_ptr<Database> OpenDatabase() {
    auto database = Database::Open(path());
    EXPECT_OK(database);
    return database.ok() ? *std::move(database) : nullptr;
  }
  // One statement in a transaction of its own.
  static absl::Status Write(Database& database, const std::string& sql) {
    return database.Write([&](Connection& db) { return db.Execute(sql); });
  }
  static absl::StatusOr<int64_t> Query(Database& database, const std::string& sql) {
    return database.Read<int64_t>([&](Connection& db) { return db.QueryInt(sql); });
  }

  TempFolder folder_;
  FakeClock clock_;
};

// --- Layer ----------------------------------------------------------------

TEST_F(SqliteTest, CommitsSurvivePowerCutsByItsSettings) {
  auto database = OpenDatabase();
  const auto pragma = [](const std::string& name) {
    return [name](Connection& db) { return db.QueryText(absl::StrCat("PRAGMA ", name)); };
  };
  EXPECT_EQ(*database->Write<std::string>(pragma("journal_mode")), "wal");
  EXPECT_EQ(*database->Write<std::string>(pragma("synchronous")), "2") << "FULL";
  EXPECT_EQ(*database->Write<std::string>(pragma("foreign_keys")), "1");
  EXPECT_EQ(*database->Read<std::string>(pragma("query_only")), "1");
}

TEST_F(SqliteTest, ReaderSeesWhatWasCommitted) {
  auto database = OpenDatabase();
  ASSERT_OK(Write(*database, "CREATE TABLE t (a INTEGER)"));
  for (int i = 1; i <= 20; ++i) {
    ASSERT_OK(Write(*database, "INSERT INTO t VALUES (1)"));
    EXPECT_EQ(*Query(*database, "SELECT COUNT(*) FROM t"), i);
  }
}

TEST_F(SqliteTest, FailedTransactionIsUndone) {
  auto database = OpenDatabase();
  ASSERT_OK(Write(*database, "CREATE TABLE t (a INTEGER)"));
  const absl::Status status = database->Write([](Connection& db) -> absl::Status {
    RETURN_IF_ERROR(db.Execute("INSERT INTO t VALUES (1)"));
    return absl::FailedPreconditionError("no");
  });
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kFailedPrecondition, "no"));
  EXPECT_EQ(*Query(*database, "SELECT COUNT(*) FROM t"), 0);
  EXPECT_OK(Write(*database, "INSERT INTO t VALUES (1)")) << "the next one begins";
}

TEST_F(SqliteTest, ValuesAreBoundAsTheyAre) {
  auto database = OpenDatabase();
  ASSERT_OK(Write(*database, "CREATE TABLE t (i INTEGER, t TEXT, b BLOB, n TEXT) STRICT"));
  const std::string bytes("a\0b\xff", 4);
  const int64_t smallest = std::numeric_limits<int64_t>::min();
  ASSERT_OK(database->Write([&](Connection& db) -> absl::Status {
    ASSIGN_OR_RETURN(Statement insert, db.Prepare("INSERT INTO t VALUES (?, ?, ?, ?)"));
    return insert.Bind(smallest).Bind(absl::string_view()).BindBlob(bytes).BindNull().Run();
  }));
  ASSERT_OK(database->Read([&](Connection& db) -> absl::Status {
    ASSIGN_OR_RETURN(Statement select, db.Prepare("SELECT i, t, b, n FROM t"));
    ASSIGN_OR_RETURN(const bool row, select.Step());
    EXPECT_TRUE(row);
    EXPECT_EQ(select.Int(0), smallest);
    EXPECT_FALSE(select.IsNull(1)) << "an empty text is not NULL";
    EXPECT_EQ(select.Bytes(1), "");
    EXPECT_EQ(select.Bytes(2), bytes);
    EXPECT_TRUE(select.IsNull(3));
    return absl::OkStatus();
  }));
}

TEST_F(SqliteTest, TooManyParametersAreAnError) {
  auto database = OpenDatabase();
  const absl::Status status = database->Read([](Connection& db) -> absl::Status {
    ASSIGN_OR_RETURN(Statement select, db.Prepare("SELECT ?"));
    return select.Bind(1).Bind(2).Step().status();
  });
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kInternal, HasSubstr("SQLite")));
}

TEST_F(SqliteTest, StatementInUseIsNotHandedOutTwice) {
  auto database = OpenDatabase();
  const absl::Status status = database->Read([](Connection& db) -> absl::Status {
    ASSIGN_OR_RETURN(Statement select, db.Prepare("SELECT 1 UNION SELECT 2"));
    RETURN_IF_ERROR(select.Step().status());
    return db.Prepare("SELECT 1 UNION SELECT 2").status();
  });
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kInternal, HasSubstr("in use")));
}

TEST_F(SqliteTest, ManyStatementsDoNotPileUp) {
  auto database = OpenDatabase();
  for (int i = 0; i < 1000; ++i) {
    EXPECT_EQ(*Query(*database, absl::StrCat("SELECT ", i)), i);
  }
}

TEST_F(SqliteTest, FullDatabaseIsResourceExhausted) {
  auto database = OpenDatabase();
  ASSERT_OK(Write(*database, "CREATE TABLE t (b BLOB)"));
  ASSERT_OK(Write(*database, "PRAGMA max_page_count = 10"));
  const std::string insert = "INSERT INTO t VALUES (zeroblob(1000000))";
  EXPECT_THAT(Write(*database, insert), StatusIs(absl::StatusCode::kResourceExhausted, _));
  ASSERT_OK(Write(*database, "PRAGMA max_page_count = 10000"));
  EXPECT_OK(Write(*database, insert)) << "room is enough to go on";
}

TEST_F(SqliteTest, FileWithoutAFolderSaysWhich) {
  const std::string path = folder_.File("none/queue.db");
  EXPECT_THAT(OpenSqliteJobStore(path, RetentionPolicy(), &clock_),
              StatusIs(absl::StatusCode::kInternal, HasSubstr(path)));
}

// --- Schema ---------------------------------------------------------------

TEST_F(SqliteTest, NewFileGetsThePresentVersion) {
  ASSERT_OK(OpenStore());
  auto database = OpenDatabase();
  EXPECT_EQ(*Query(*database, "PRAGMA user_version"), SchemaVersion());
}

TEST_F(SqliteTest, FailedMigrationChangesNothing) {
  auto database = OpenDatabase();
  const absl::Status status = database->Write([](Connection& db) -> absl::Status {
    RETURN_IF_ERROR(Migrate(db));
    return absl::InternalError("power cut");
  });
  EXPECT_FALSE(status.ok());
  EXPECT_EQ(*Query(*database, "PRAGMA user_version"), 0);
  EXPECT_EQ(*Query(*database, "SELECT COUNT(*) FROM sqlite_schema"), 0);
  EXPECT_OK(OpenStore());
}

TEST_F(SqliteTest, QueueOfTheFirstVersionIsMigrated) {
  ASSERT_OK(OpenStore());
  ASSERT_OK(
      Write(*OpenDatabase(), "DROP TABLE servers; DROP INDEX jobs_ended; PRAGMA user_version = 1"));
  ASSERT_OK_AND_ASSIGN(const auto store, OpenStore());
  EXPECT_OK(store->Register(ServerRecord(), {}));
  EXPECT_EQ(*Query(*OpenDatabase(), "PRAGMA user_version"), SchemaVersion());
}

TEST_F(SqliteTest, NewerFormatIsRefused) {
  ASSERT_OK(OpenStore());
  ASSERT_OK(Write(*OpenDatabase(), absl::StrCat("PRAGMA user_version = ", SchemaVersion() + 1)));
  EXPECT_THAT(OpenStore(), StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("newer")));
}

TEST_F(SqliteTest, DatabaseOfAnotherProgramIsRefused) {
  ASSERT_OK(Write(*OpenDatabase(), "CREATE TABLE t (a INTEGER)"));
  EXPECT_THAT(OpenStore(),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("another program")));
}

TEST_F(SqliteTest, FileThatIsNoDatabaseIsRefused) {
  std::ofstream(path()) << std::string(10000, 'x');
  EXPECT_THAT(OpenStore(), StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr(path())));
}

TEST_F(SqliteTest, DamagedFileIsRefused) {
  {
    ASSERT_OK_AND_ASSIGN(auto store, OpenStore());
    std::vector<NewJob> jobs(50);
    for (size_t i = 0; i < jobs.size(); ++i) jobs[i].record.id = absl::StrCat("job-", i);
    ASSERT_OK(store->Create(jobs, CreateLimits()));
  }
  ASSERT_OK_AND_ASSIGN(std::string bytes, ReadFile(path(), 1 << 24));
  ASSERT_GT(bytes.size(), 3u * 4096);
  for (size_t i = 4096; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 37);
  ASSERT_OK(WriteFileDurably(path(), bytes));
  EXPECT_THAT(OpenStore(), StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr(path())));
}

// --- Rows -----------------------------------------------------------------

TEST_F(SqliteTest, CommittedWritesAreTimedAndNoOthers) {
  std::vector<absl::Duration> writes;
  const auto store = OpenSqliteJobStore(path(), RetentionPolicy(), &clock_,
                                        [&](absl::Duration took) { writes.push_back(took); });
  ASSERT_OK(store.status());
  NewJob job;
  job.record.id = "a";
  ASSERT_OK((*store)->Create({job}, CreateLimits()));
  ASSERT_EQ(writes.size(), 1);
  EXPECT_GT(writes[0], absl::ZeroDuration());
  EXPECT_OK((*store)->Get("a"));
  EXPECT_FALSE((*store)->Create({job}, CreateLimits()).ok()) << "the id is taken";
  EXPECT_EQ(writes.size(), 1);
}

TEST_F(SqliteTest, DeletedJobLeavesNoLabels) {
  ASSERT_OK_AND_ASSIGN(auto store, OpenStore());
  NewJob job;
  job.record.id = "job-1";
  job.record.labels = {{"a", "1"}};
  ASSERT_OK(store->Create({job}, CreateLimits()));
  auto database = OpenDatabase();
  EXPECT_EQ(*Query(*database, "SELECT COUNT(*) FROM labels"), 1);
  ASSERT_OK(store->Cancel("job-1"));
  ASSERT_OK(store->Delete("job-1"));
  EXPECT_EQ(*Query(*database, "SELECT COUNT(*) FROM labels"), 0);
}

TEST_F(SqliteTest, PlaceInTheListingIsNeverUsedTwice) {
  ASSERT_OK_AND_ASSIGN(auto store, OpenStore());
  auto database = OpenDatabase();
  for (int i = 1; i <= 3; ++i) {
    NewJob job;
    job.record.id = "job-1";
    ASSERT_OK(store->Create({job}, CreateLimits()));
    EXPECT_EQ(*Query(*database, "SELECT row FROM jobs"), i);
    ASSERT_OK(store->Cancel("job-1"));
    ASSERT_OK(store->Delete("job-1"));
  }
}

}  // namespace
}  // namespace tweedie::sqlite
