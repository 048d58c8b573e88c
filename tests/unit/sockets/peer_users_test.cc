#include "server/sockets/peer_users.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/testing/status_matchers.h"
#include "tests/unit/sockets/sockets_testing.h"

namespace tweedie {
namespace {

using ::testing::Optional;

std::string Peer(int fd) { return absl::StrCat("fd:", fd); }

// One end of a connection, whose other end is closed.
int NewConnection() {
  int ends[2];
  EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  close(ends[1]);
  return ends[0];
}

TEST(PeerUsersTest, TellsWhoseAConnectionIs) {
  PeerUsers users(10);
  const OwnFd one(users.Admit(NewConnection(), 1000).value());
  const OwnFd two(users.Admit(NewConnection(), 0).value());
  EXPECT_THAT(users.UidOf(Peer(one.get())), Optional(1000u));
  EXPECT_THAT(users.UidOf(Peer(two.get())), Optional(0u));
}

TEST(PeerUsersTest, OtherPeersAreNobodys) {
  PeerUsers users(10);
  const OwnFd one(users.Admit(NewConnection(), 1000).value());
  for (const std::string& peer :
       {std::string(), std::string("fd:"), std::string("fd:x"), Peer(one.get() + 1), Peer(-1),
        absl::StrCat(one.get()), absl::StrCat("ipv4:127.0.0.1:", one.get()),
        absl::StrCat("unix:fd:", one.get()), absl::StrCat(Peer(one.get()), ":1")}) {
    EXPECT_EQ(users.UidOf(peer), std::nullopt) << peer;
  }
}

// Calls that came over a connection may be asked about after it was closed.
TEST(PeerUsersTest, ANumberStaysItsUsers) {
  PeerUsers users(10);
  const int first = users.Admit(NewConnection(), 1000).value();
  close(first);
  int fd = NewConnection();
  ASSERT_EQ(fd, first) << "the system uses the number again";
  const OwnFd second(users.Admit(fd, 1001).value());
  EXPECT_NE(second.get(), first);
  EXPECT_EQ(fcntl(first, F_GETFD), -1) << "the number is free, not kept open";
  EXPECT_NE(fcntl(second.get(), F_GETFD) & FD_CLOEXEC, 0);
  EXPECT_THAT(users.UidOf(Peer(first)), Optional(1000u));
  EXPECT_THAT(users.UidOf(Peer(second.get())), Optional(1001u));
  fd = NewConnection();
  const OwnFd third(users.Admit(fd, 1000).value());
  EXPECT_EQ(third.get(), first) << "its own user gets it again";
}

TEST(PeerUsersTest, NumbersOfSeveralUsersArePassedOver) {
  PeerUsers users(10);
  std::vector<int> taken;
  for (uid_t uid : {1, 2, 3}) taken.push_back(users.Admit(NewConnection(), uid).value());
  for (const int fd : taken) close(fd);
  const OwnFd other(users.Admit(NewConnection(), 4).value());
  EXPECT_GT(other.get(), taken.back());
  for (size_t i = 0; i < taken.size(); ++i) {
    EXPECT_THAT(users.UidOf(Peer(taken[i])), Optional(i + 1));
  }
}

TEST(PeerUsersTest, AUserHasSoManyConnectionsAtOnce) {
  PeerUsers users(3);
  const int files = NumOpenFiles();
  std::vector<OwnFd> open;
  for (int i = 0; i < 3; ++i) open.emplace_back(users.Admit(NewConnection(), 1000).value());
  EXPECT_THAT(users.Admit(NewConnection(), 1000),
              StatusIs(absl::StatusCode::kResourceExhausted, ::testing::HasSubstr("1000")));
  EXPECT_EQ(NumOpenFiles(), files + 3) << "what is refused is closed";
  open.emplace_back(users.Admit(NewConnection(), 1001).value());
  open.erase(open.begin());
  open.emplace_back(users.Admit(NewConnection(), 1000).value());
}

// A file that has the number now does not count.
TEST(PeerUsersTest, ConnectionsThatWereClosedDoNotCount) {
  PeerUsers users(1);
  for (int i = 0; i < 20; ++i) {
    const int fd = users.Admit(NewConnection(), 1000).value();
    close(fd);
    const OwnFd file(open("/dev/null", O_RDONLY | O_CLOEXEC));
    EXPECT_EQ(file.get(), fd);
    const OwnFd next(users.Admit(NewConnection(), 1000).value());
    EXPECT_NE(next.get(), fd);
  }
}

// Of all users whom this namespace does not know.
TEST(PeerUsersTest, NobodyIsNoUser) {
  PeerUsers users(10);
  const OwnFd one(users.Admit(NewConnection(), 65534).value());
  EXPECT_EQ(users.UidOf(Peer(one.get())), std::nullopt);
  const int number = one.get();
  const OwnFd two(users.Admit(NewConnection(), 1000).value());
  EXPECT_NE(two.get(), number);
}

}  // namespace
}  // namespace tweedie
