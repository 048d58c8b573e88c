#include "server/peers/registration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/jobs/job_store.h"
#include "core/jobs/sqlite/sqlite_job_store.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_folder.h"
#include "tests/unit/runner/forwarding_store.h"

namespace tweedie {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class RegistrationTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto store = OpenSqliteJobStore(folder_.File("queue.db"), RetentionPolicy(), &clock_);
    ASSERT_OK(store);
    store_ = *std::move(store);
  }
  static ServerRecord Named(const std::string& name, uint64_t instance = 0) {
    ServerRecord server;
    server.name = name;
    server.instance = instance;
    server.start_time = absl::FromUnixSeconds(77);
    return server;
  }
  // Each wait of Take() lets time pass, and does `meanwhile`.
  absl::StatusOr<std::unique_ptr<Registration>> Take(
      const std::string& name, const std::function<void()>& meanwhile = [] {}) {
    Registration::Options options;
    options.wait = [this, meanwhile](absl::Duration duration) {
      clock_.Advance(duration);
      meanwhile();
    };
    return Registration::Take(store_.get(), Named(name), options);
  }
  std::vector<ServerRecord> Servers() {
    return store_->Servers().value_or(std::vector<ServerRecord>());
  }

  const TempFolder folder_;
  FakeClock clock_;
  std::unique_ptr<JobStore> store_;
};

TEST_F(RegistrationTest, ServerIsThereFromTakingItsNameToItsEnd) {
  ASSERT_OK_AND_ASSIGN(const auto registration, Take("one"));
  ASSERT_EQ(Servers().size(), 1u);
  EXPECT_EQ(Servers()[0].address, "") << "it is not reached yet";
  EXPECT_NE(Servers()[0].instance, 0u);
  ASSERT_OK(registration->Publish("one.lab:7433"));
  ASSERT_EQ(Servers().size(), 1u);
  EXPECT_EQ(Servers()[0].address, "one.lab:7433");
  registration->End();
  EXPECT_THAT(Servers(), IsEmpty());
  registration->End();
}

TEST_F(RegistrationTest, NameOfAServerThatRenewsItsLeaseIsRefused) {
  ServerRecord other = Named("one", 7);
  other.address = "far:1";
  ASSERT_OK(store_->Register(other, {}));
  const absl::Time start = clock_.Now();
  const auto renew = [&] {
    if (clock_.Now() - start >= absl::Seconds(5)) ASSERT_OK(store_->Register(other, {}));
  };
  EXPECT_THAT(Take("one", renew),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("one"), HasSubstr("far:1"), HasSubstr("--server-name"))));
  EXPECT_LE(clock_.Now() - start, absl::Seconds(6)) << "as soon as it shows that it lives";
  EXPECT_EQ(Servers().at(0).instance, 7u);
  EXPECT_OK(Take("two"));
}

TEST_F(RegistrationTest, NameOfADeadServerIsTakenWhenItsLeaseRunsOut) {
  ASSERT_OK(store_->Register(Named("one", 7), {}));
  const absl::Time start = clock_.Now();
  ASSERT_OK_AND_ASSIGN(const auto registration, Take("one"));
  EXPECT_EQ(clock_.Now() - start, absl::Seconds(30));
  EXPECT_NE(Servers().at(0).instance, 7u);
}

TEST_F(RegistrationTest, NameThatSomebodyElseTakesMeanwhileIsRefused) {
  ASSERT_OK(store_->Register(Named("one", 7), {}));
  const auto replace = [&] {
    ASSERT_OK(store_->Unregister(Named("one", 7)));
    ASSERT_OK(store_->Register(Named("one", 8), {}));
  };
  EXPECT_THAT(Take("one", replace),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("one")));
}

TEST_F(RegistrationTest, NameThatWasLostSinceItWasTakenIsNotConfirmed) {
  ASSERT_OK_AND_ASSIGN(const auto registration, Take("one"));
  clock_.Advance(absl::Seconds(31));
  EXPECT_OK(registration->Confirm()) << "nobody has taken it";
  clock_.Advance(absl::Seconds(31));
  ASSERT_OK(store_->Register(Named("one", 7), {}));
  EXPECT_THAT(registration->Confirm(),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("one")));
}

TEST_F(RegistrationTest, ServerThatIsAloneWaitsForNobody) {
  ASSERT_OK(store_->Register(Named("one", 7), {}));
  ASSERT_OK(store_->Register(Named("two", 8), {}));
  Registration::Options options;
  options.terms.alone = true;
  options.wait = [](absl::Duration) { FAIL() << "waited"; };
  ASSERT_OK_AND_ASSIGN(const auto registration,
                       Registration::Take(store_.get(), Named("one"), options));
  EXPECT_EQ(Servers().size(), 1u);
}

TEST_F(RegistrationTest, ServerThatIsAloneNeedsNoRegistration) {
  class FullStore final : public ForwardingStore {
   public:
    using ForwardingStore::ForwardingStore;
    absl::Status Register(const ServerRecord&, const Terms&) override {
      return absl::ResourceExhaustedError("the disk is full");
    }
  };
  FullStore full(store_.get());
  Registration::Options options;
  EXPECT_THAT(Registration::Take(&full, Named("one"), options),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("full")));
  options.terms.alone = true;
  ASSERT_OK_AND_ASSIGN(const auto registration, Registration::Take(&full, Named("one"), options));
  EXPECT_OK(registration->Publish("one.lab:7433"));
}

}  // namespace
}  // namespace tweedie
