// ServerRegistry: Register, Unregister, Servers; and JobNews: Look.
#include "tests/contract/job_store_fixture.h"

namespace tweedie {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

constexpr absl::Duration kLease = absl::Seconds(30);
constexpr absl::Duration kMoment = absl::Microseconds(1);

MATCHER_P(IsNamed, name, "") { return arg.name == name; }

template <typename T>
class RegistryTest : public JobStoreTest<T> {
 protected:
  static ServerRecord Server(const std::string& name, uint64_t instance) {
    ServerRecord server;
    server.name = name;
    server.instance = instance;
    server.address = name + ".lab:7433";
    server.version = "1.0";
    server.devices = {"cuda:0", "cuda:1"};
    server.models = {"faces", "m"};
    server.start_time = absl::FromUnixSeconds(77);
    return server;
  }
  absl::Status Register(const std::string& name, uint64_t instance) {
    return this->store_->Register(Server(name, instance), {.lease = kLease});
  }
  std::vector<ServerRecord> Servers() {
    auto servers = this->store_->Servers();
    EXPECT_OK(servers);
    return servers.ok() ? *servers : std::vector<ServerRecord>();
  }
};
TYPED_TEST_SUITE(RegistryTest, Stores, StoreName);

TYPED_TEST(RegistryTest, ServersAreListedByNameWithAllThatTheySaid) {
  EXPECT_THAT(this->Servers(), IsEmpty());
  const uint64_t instance = 0xfedcba9876543210;  // beyond the databases' integers
  ASSERT_OK(this->Register("two", instance));
  ASSERT_OK(this->Register("one", 1));
  const auto servers = this->Servers();
  ASSERT_THAT(servers, ElementsAre(IsNamed("one"), IsNamed("two")));
  EXPECT_EQ(servers[1].instance, instance);
  EXPECT_EQ(servers[1].address, "two.lab:7433");
  EXPECT_EQ(servers[1].version, "1.0");
  EXPECT_THAT(servers[1].devices, ElementsAre("cuda:0", "cuda:1"));
  EXPECT_THAT(servers[1].models, ElementsAre("faces", "m"));
  EXPECT_EQ(servers[1].start_time, absl::FromUnixSeconds(77));
  EXPECT_EQ(servers[1].lease_end, this->clock_.Now() + kLease);
  EXPECT_EQ(servers[1].running_jobs, 0);
}

TYPED_TEST(RegistryTest, RunningJobsAreCountedByServer) {
  ASSERT_OK(this->Register("server-1", 1));
  ASSERT_OK(this->Register("server-2", 2));
  for (const char* id : {"a", "b", "c"}) this->Create(id);
  this->Claim();
  this->Claim();
  const auto servers = this->Servers();
  ASSERT_EQ(servers.size(), 2u);
  EXPECT_EQ(servers[0].running_jobs, 2);
  EXPECT_EQ(servers[1].running_jobs, 0);
}

TYPED_TEST(RegistryTest, NameOfALivingServerIsNotTaken) {
  ASSERT_OK(this->Register("one", 1));
  this->clock_.Advance(kLease - kMoment);
  EXPECT_THAT(this->Register("one", 2),
              StatusIs(absl::StatusCode::kAlreadyExists, HasSubstr("one")));
  EXPECT_EQ(this->Servers().at(0).instance, 1u);
  EXPECT_OK(this->Register("two", 2));
}

TYPED_TEST(RegistryTest, ServerIsGoneWhenItsLeaseRunsOut) {
  ASSERT_OK(this->Register("one", 1));
  this->clock_.Advance(kLease - kMoment);
  EXPECT_EQ(this->Servers().size(), 1u);
  this->clock_.Advance(kMoment);
  EXPECT_THAT(this->Servers(), IsEmpty());
  EXPECT_OK(this->Register("one", 2)) << "its name is free";
  EXPECT_EQ(this->Servers().at(0).instance, 2u);
}

TYPED_TEST(RegistryTest, RenewedServerStaysAndTellsAnew) {
  ASSERT_OK(this->Register("one", 1));
  this->clock_.Advance(kLease - kMoment);
  ServerRecord server = this->Server("one", 1);
  server.address = "elsewhere:1";
  ASSERT_OK(this->store_->Register(server, {.lease = kLease}));
  this->clock_.Advance(kLease - kMoment);
  const auto servers = this->Servers();
  ASSERT_THAT(servers, ElementsAre(IsNamed("one")));
  EXPECT_EQ(servers[0].address, "elsewhere:1");
}

TYPED_TEST(RegistryTest, ServerWhoseLeaseRanOutComesBackIfNobodyTookItsName) {
  ASSERT_OK(this->Register("one", 1));
  this->clock_.Advance(2 * kLease);
  EXPECT_OK(this->Register("two", 2));  // sweeps
  EXPECT_OK(this->Register("one", 1));
  this->clock_.Advance(2 * kLease);
  EXPECT_OK(this->Register("one", 3));
  EXPECT_THAT(this->Register("one", 1), StatusIs(absl::StatusCode::kAlreadyExists, ::testing::_));
}

TYPED_TEST(RegistryTest, ServerThatLeavesIsGoneAndNoOther) {
  ASSERT_OK(this->Register("one", 1));
  ASSERT_OK(this->Register("two", 2));
  ASSERT_OK(this->store_->Unregister(this->Server("two", 9)));
  EXPECT_EQ(this->Servers().size(), 2u) << "another instance's";
  ASSERT_OK(this->store_->Unregister(this->Server("one", 1)));
  EXPECT_THAT(this->Servers(), ElementsAre(IsNamed("two")));
  EXPECT_OK(this->store_->Unregister(this->Server("one", 1)));
}

TYPED_TEST(RegistryTest, ServerThatIsAloneTakesThePlaceOfAll) {
  ASSERT_OK(this->Register("one", 1));
  ASSERT_OK(this->Register("two", 2));
  ASSERT_OK(this->store_->Register(this->Server("one", 3), {.lease = kLease, .alone = true}));
  const auto servers = this->Servers();
  ASSERT_THAT(servers, ElementsAre(IsNamed("one")));
  EXPECT_EQ(servers[0].instance, 3u);
}

TYPED_TEST(RegistryTest, RegistrationsOutliveTheStore) {
  ASSERT_OK(this->Register("one", 1));
  this->Reopen();
  EXPECT_THAT(this->Servers(), ElementsAre(IsNamed("one")));
}

// --- Look -----------------------------------------------------------------

TYPED_TEST(RegistryTest, LookFindsTheJobsThatExist) {
  this->Create("a", {.labels = {{"lab", "1"}}});
  this->Create("b");
  this->Claim();
  ASSERT_OK_AND_ASSIGN(const auto jobs, this->store_->Look({"a", "none", "b", "a"}));
  ASSERT_THAT(jobs, UnorderedElementsAre(HasId("a"), HasId("b")));
  const JobRecord& first = jobs[0].id == "a" ? jobs[0] : jobs[1];
  EXPECT_EQ(first.state, JobState::kRunning);
  EXPECT_EQ(first.labels, this->Get("a").labels);
  ASSERT_OK_AND_ASSIGN(const auto none, this->store_->Look({}));
  EXPECT_THAT(none, IsEmpty());
}

TYPED_TEST(RegistryTest, LookIsBounded) {
  const std::vector<std::string> ids(kMaxJobsInALook, "a");
  EXPECT_OK(this->store_->Look(ids));
  std::vector<std::string> more = ids;
  more.push_back("b");
  EXPECT_THAT(this->store_->Look(more), IsAbout("ids"));
}

}  // namespace
}  // namespace tweedie
