#include "server/auth/authenticator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <memory>

#include "absl/strings/str_cat.h"
#include "core/base/retry.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_folder.h"
#include "tests/unit/auth/auth_testing.h"

namespace tweedie {
namespace {

using absl::StatusCode;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kHere[] = "ipv4:10.0.0.1:5000";
constexpr char kThere[] = "ipv4:10.0.0.2:5000";
constexpr uint32_t kOwnUid = 77;

Caller WithToken(const std::string& token, const std::string& peer = kHere) {
  Caller caller;
  caller.token = token;
  caller.peer = peer;
  return caller;
}

Caller WithCertificate(const std::string& name) {
  Caller caller;
  caller.certificate = name;
  return caller;
}

Caller WithUid(uint32_t uid) {
  Caller caller;
  caller.uid = uid;
  caller.peer = "fd:9";
  return caller;
}

Caller As(Caller caller, const std::string& creator) {
  caller.creator = creator;
  return caller;
}

class AuthenticatorTest : public ::testing::Test {
 protected:
  AuthenticatorTest() {
    // FakeClock begins at 2023-11-14T22:13:20Z.
    Write(absl::StrCat(
        TokenEntry("ada", "user", "ada-token", R"(, "max_queued_jobs": 3)"), ",",
        TokenEntry("old", "user", "old-token", R"(, "expires": "2023-11-14T22:13:20Z")"), ",",
        TokenEntry("short", "user", "short-token", R"(, "expires": "2023-11-14T22:14:20Z")"), ",",
        TokenEntry("eye", "viewer", "eye-token"), ",", TokenEntry("op", "operator", "op-token"),
        R"(, {"name": "gpu-2", "role": "viewer", "certificate": "gpu-2.lab"})"));
    access_ = WatchedAccess::Open(path_).value();
    Authenticator::Parts parts;
    parts.clock = &clock_;
    parts.access = access_.get();
    parts.user_name = [this](uint32_t uid) {
      ++names_asked_;
      return absl::StrCat("user", uid);
    };
    parts.own_uid = kOwnUid;
    authenticator_ = std::make_unique<Authenticator>(parts);
  }
  void Write(const std::string& entries) { WriteText(path_, AccessText(entries)); }
  absl::StatusOr<Identity> Ask(const Caller& caller) {
    return authenticator_->Authenticate(caller);
  }
  Identity MustAsk(const Caller& caller) {
    absl::StatusOr<Identity> identity = Ask(caller);
    EXPECT_OK(identity);
    return identity.value_or(Identity());
  }
  void Guess(const std::string& peer, int times) {
    for (int i = 0; i < times; ++i) {
      EXPECT_FALSE(Ask(WithToken(absl::StrCat("wrong", i), peer)).ok());
    }
  }

  FakeClock clock_;
  const TempFolder folder_;
  const std::string path_ = folder_.File("tokens.json");
  std::unique_ptr<WatchedAccess> access_;
  int names_asked_ = 0;
  std::unique_ptr<Authenticator> authenticator_;
};

TEST_F(AuthenticatorTest, ATokenIsItsEntrys) {
  const Identity ada = MustAsk(WithToken("ada-token"));
  EXPECT_EQ(ada.name, "ada");
  EXPECT_EQ(ada.creator, "ada");
  EXPECT_EQ(ada.role, Role::kUser);
  EXPECT_EQ(ada.limits.max_queued_jobs, 3);
  EXPECT_EQ(MustAsk(WithToken("eye-token")).role, Role::kViewer);
}

TEST_F(AuthenticatorTest, WhoShowsNothingOrWhatIsWrongIsNobody) {
  EXPECT_THAT(Ask({}), StatusIs(StatusCode::kUnauthenticated, HasSubstr("Bearer")));
  EXPECT_THAT(Ask(WithToken("")), StatusIs(StatusCode::kUnauthenticated, HasSubstr("Bearer")));
  EXPECT_THAT(
      Ask(WithToken("ada-toke")),
      StatusIs(StatusCode::kUnauthenticated, AllOf(HasSubstr("not known"), Not(HasSubstr("ada")))));
  // The hash is no token.
  EXPECT_THAT(Ask(WithToken(Sha256Hex("ada-token"))),
              StatusIs(StatusCode::kUnauthenticated, HasSubstr("not known")));
  EXPECT_THAT(Ask(WithCertificate("gpu-3.lab")),
              StatusIs(StatusCode::kUnauthenticated, HasSubstr("not known")));
  EXPECT_THAT(Ask(WithCertificate("")), StatusIs(StatusCode::kUnauthenticated, HasSubstr("known")));
}

TEST_F(AuthenticatorTest, ATokenServesUntilItExpires) {
  EXPECT_THAT(Ask(WithToken("old-token")),
              StatusIs(StatusCode::kUnauthenticated, HasSubstr("expired")));
  const Identity identity = MustAsk(WithToken("short-token"));
  clock_.Advance(absl::Seconds(59));
  EXPECT_OK(Ask(WithToken("short-token")));
  EXPECT_OK(authenticator_->Confirm(identity));
  clock_.Advance(absl::Seconds(1));
  EXPECT_THAT(Ask(WithToken("short-token")),
              StatusIs(StatusCode::kUnauthenticated, HasSubstr("expired")));
  EXPECT_THAT(authenticator_->Confirm(identity),
              StatusIs(StatusCode::kUnauthenticated, HasSubstr("expired")));
}

TEST_F(AuthenticatorTest, ACertificateIsItsEntrys) {
  const Identity gpu = MustAsk(WithCertificate("gpu-2.lab"));
  EXPECT_EQ(gpu.name, "gpu-2");
  EXPECT_EQ(gpu.role, Role::kViewer);
}

TEST_F(AuthenticatorTest, AUserOfTheMachineHasTheirNameAndRootAndTheServersOwnAreOperators) {
  const Identity user = MustAsk(WithUid(1000));
  EXPECT_EQ(user.name, "user1000");
  EXPECT_EQ(user.role, Role::kUser);
  EXPECT_EQ(MustAsk(WithUid(0)).role, Role::kOperator);
  EXPECT_EQ(MustAsk(WithUid(kOwnUid)).role, Role::kOperator);
  EXPECT_EQ(names_asked_, 3);
  MustAsk(WithUid(1000));
  EXPECT_EQ(names_asked_, 3) << "names are remembered";
  EXPECT_OK(authenticator_->Confirm(user));
}

// What is shown first counts: nothing weaker takes its place.
TEST_F(AuthenticatorTest, AWrongTokenIsNotMadeGoodByWhatElseIsShown) {
  Caller caller = WithToken("wrong");
  caller.certificate = "gpu-2.lab";
  caller.uid = 0;
  EXPECT_THAT(Ask(caller), StatusIs(StatusCode::kUnauthenticated, HasSubstr("not known")));
  caller.token.reset();
  EXPECT_EQ(MustAsk(caller).name, "gpu-2");
  caller.certificate = "gpu-3.lab";
  EXPECT_THAT(Ask(caller), StatusIs(StatusCode::kUnauthenticated, HasSubstr("certificate")));
}

TEST_F(AuthenticatorTest, OnlyAnOperatorActsForOthers) {
  EXPECT_EQ(MustAsk(As(WithToken("ada-token"), "ada")).creator, "ada");
  for (const char* token : {"ada-token", "eye-token"}) {
    EXPECT_THAT(Ask(As(WithToken(token), "bob")),
                StatusIs(StatusCode::kPermissionDenied, HasSubstr("x-tweedie-creator")));
  }
  EXPECT_THAT(Ask(As(WithUid(1000), "bob")),
              StatusIs(StatusCode::kPermissionDenied, HasSubstr("")));
  const Identity op = MustAsk(As(WithToken("op-token"), "bob"));
  EXPECT_EQ(op.name, "op");
  EXPECT_EQ(op.creator, "bob");
  EXPECT_THAT(Ask(As(WithToken("op-token"), "a b")),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("x-tweedie-creator")));
  // Who may not be here is told nothing of names.
  EXPECT_THAT(Ask(As(WithToken("wrong"), "a b")),
              StatusIs(StatusCode::kUnauthenticated, HasSubstr("")));
}

TEST_F(AuthenticatorTest, ConfirmTellsWhatIsNotValidAnyMore) {
  const Identity ada = MustAsk(WithToken("ada-token"));
  const Identity op = MustAsk(As(WithToken("op-token"), "bob"));
  const Identity gpu = MustAsk(WithCertificate("gpu-2.lab"));
  for (const Identity& identity : {ada, op, gpu}) EXPECT_OK(authenticator_->Confirm(identity));
  // Ada's is gone, the operator's has become a user's, the certificate another's.
  Write(absl::StrCat(TokenEntry("op", "user", "op-token"),
                     R"(, {"name": "gpu-3", "role": "viewer", "certificate": "gpu-2.lab"})"));
  ASSERT_TRUE(access_->Look());
  for (const Identity& identity : {ada, op, gpu}) {
    EXPECT_THAT(authenticator_->Confirm(identity),
                StatusIs(StatusCode::kUnauthenticated, HasSubstr("not valid any more")));
  }
  EXPECT_THAT(Ask(WithToken("ada-token")),
              StatusIs(StatusCode::kUnauthenticated, HasSubstr("not known")));
}

TEST_F(AuthenticatorTest, GuessesAreSlowedWhereTheyComeFrom) {
  EXPECT_OK(Ask(WithToken("ada-token", kHere)));
  Guess(kHere, 10);
  const auto slowed = Ask(WithToken("wrong", "ipv4:10.0.0.1:6000"));
  EXPECT_THAT(slowed, StatusIs(StatusCode::kResourceExhausted, HasSubstr("not looked at")));
  EXPECT_EQ(RetryDelayOf(slowed.status()), absl::Seconds(10));
  // Not even the right one, unless it was right from there before.
  EXPECT_THAT(Ask(WithToken("op-token", kHere)),
              StatusIs(StatusCode::kResourceExhausted, HasSubstr("not looked at")));
  EXPECT_OK(Ask(WithToken("ada-token", kHere)));
  EXPECT_OK(Ask(WithToken("op-token", kThere)));
  clock_.Advance(absl::Seconds(10));
  EXPECT_OK(Ask(WithToken("op-token", kHere)));
}

TEST_F(AuthenticatorTest, ARevokedTokenIsAGuessLikeAnyOther) {
  EXPECT_OK(Ask(WithToken("ada-token")));
  Guess(kHere, 10);
  Write(TokenEntry("op", "operator", "op-token"));
  ASSERT_TRUE(access_->Look());
  EXPECT_THAT(Ask(WithToken("ada-token")),
              StatusIs(StatusCode::kUnauthenticated, HasSubstr("not known")));
  EXPECT_THAT(Ask(WithToken("ada-token")), StatusIs(StatusCode::kResourceExhausted, HasSubstr("")));
}

TEST_F(AuthenticatorTest, GuessesOverAUnixSocketAreCountedByUser) {
  Caller guesser = WithUid(1000);
  for (int i = 0; i < 10; ++i) {
    guesser.token = absl::StrCat("wrong", i);
    EXPECT_THAT(Ask(guesser), StatusIs(StatusCode::kUnauthenticated, HasSubstr("")));
  }
  EXPECT_THAT(Ask(guesser), StatusIs(StatusCode::kResourceExhausted, HasSubstr("")));
  Caller other = WithUid(1001);
  other.token = "op-token";
  EXPECT_OK(Ask(other));
}

TEST_F(AuthenticatorTest, ExpiredTokensAreNoGuesses) {
  for (int i = 0; i < 20; ++i) {
    EXPECT_THAT(Ask(WithToken("old-token")),
                StatusIs(StatusCode::kUnauthenticated, HasSubstr("expired")));
  }
}

TEST(OpenAuthenticatorTest, EverybodyIsAnOperatorUnderTheNameThatTheyGive) {
  FakeClock clock;
  Authenticator::Parts parts;
  parts.clock = &clock;
  Authenticator open(parts);
  EXPECT_TRUE(open.is_open());
  EXPECT_EQ(open.Authenticate({})->creator, "anonymous");
  const absl::StatusOr<Identity> ada = open.Authenticate(As(WithToken("whatever"), "ada"));
  ASSERT_OK(ada);
  EXPECT_EQ(ada->creator, "ada");
  EXPECT_EQ(ada->role, Role::kOperator);
  EXPECT_OK(open.Confirm(*ada));
  EXPECT_THAT(open.Authenticate(As({}, "a b")),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("x-tweedie-creator")));
}

TEST(BearerTokenTest, OnlyTheSchemeBearerIsOne) {
  EXPECT_EQ(BearerToken("Bearer tweedie_x"), "tweedie_x");
  EXPECT_EQ(BearerToken("bearer x"), "x");
  for (const char* value : {"", "Bearer", "Bearer ", "Basic x", "tweedie_x", " Bearer x"}) {
    EXPECT_EQ(BearerToken(value), "") << value;
  }
}

TEST(UserNameTest, RootHasANameAndWhoHasNoneANumber) {
  EXPECT_EQ(UserName(0), "root");
  EXPECT_EQ(UserName(3999999999u), "uid-3999999999");
}

}  // namespace
}  // namespace tweedie
