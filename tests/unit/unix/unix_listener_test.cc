#include "server/unix/unix_listener.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_folder.h"
#include "tests/unit/unix/unix_testing.h"

namespace tweedie {
namespace {

using ::testing::Optional;

class UnixListenerTest : public ::testing::Test {
 protected:
  ~UnixListenerTest() override { listener_.reset(); }

  void Start(int num_sockets = 1) {
    std::vector<std::unique_ptr<UnixSocket>> sockets;
    for (int i = 0; i < num_sockets; ++i) {
      ASSERT_OK_AND_ASSIGN(auto one, UnixSocket::Listen(Path(i), 0666));
      sockets.push_back(std::move(one));
    }
    ASSERT_OK_AND_ASSIGN(listener_,
                         UnixListener::Start(std::move(sockets), &users_, [this](int fd) {
                           absl::MutexLock lock(&mu_);
                           accepted_.emplace_back(fd);
                         }));
  }
  std::string Path(int i = 0) const { return folder_.File(absl::StrCat("socket", i)); }
  size_t num_accepted() {
    absl::MutexLock lock(&mu_);
    return accepted_.size();
  }
  int LastAccepted() {
    absl::MutexLock lock(&mu_);
    return accepted_.back().get();
  }
  void CloseAccepted() {
    absl::MutexLock lock(&mu_);
    accepted_.clear();
  }

  const TempFolder folder_;
  PeerUsers users_{1000};
  absl::Mutex mu_;
  std::vector<OwnFd> accepted_ ABSL_GUARDED_BY(mu_);
  std::unique_ptr<UnixListener> listener_;
};

TEST_F(UnixListenerTest, NotesWhoConnects) {
  Start();
  const OwnFd client(ConnectTo(Path()));
  ASSERT_TRUE(Eventually([&] { return num_accepted() == 1; }));
  const int fd = LastAccepted();
  EXPECT_THAT(users_.UidOf(absl::StrCat("fd:", fd)), Optional(geteuid()));
  EXPECT_NE(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
  EXPECT_NE(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
  ASSERT_EQ(write(client.get(), "hello", 5), 5);
  char text[6] = {};
  ASSERT_TRUE(Eventually([&] { return read(fd, text, 5) == 5; }));
  EXPECT_STREQ(text, "hello");
}

TEST_F(UnixListenerTest, ANumberThatWasOneUsersIsNotTheNextOnes) {
  if (geteuid() != 0) GTEST_SKIP() << "only root becomes other users";
  Start();
  std::filesystem::permissions(folder_.path(), std::filesystem::perms::all);
  int last = -1;
  for (const uid_t uid : {12345u, 0u, 12346u, 12345u}) {
    const size_t before = num_accepted();
    const pid_t child = fork();
    if (child == 0) {
      // Only calls that are safe after fork().
      if (setresuid(uid, uid, uid) != 0) _exit(1);
      _exit(ConnectTo(Path()) >= 0 ? 0 : 2);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_EQ(status, 0);
    ASSERT_TRUE(Eventually([&] { return num_accepted() == before + 1; }));
    EXPECT_THAT(users_.UidOf(absl::StrCat("fd:", LastAccepted())), Optional(uid));
    EXPECT_NE(LastAccepted(), std::exchange(last, LastAccepted()));
    CloseAccepted();
  }
}

TEST_F(UnixListenerTest, AllSocketsAreListenedOn) {
  Start(3);
  for (int i = 0; i < 3; ++i) {
    const OwnFd client(ConnectTo(Path(i)));
    ASSERT_GE(client.get(), 0);
    EXPECT_TRUE(Eventually([&] { return num_accepted() == static_cast<size_t>(i) + 1; }));
  }
}

TEST_F(UnixListenerTest, ManyConnectionsAtOnceAndNothingIsLeft) {
  const int files = NumOpenFiles();
  Start();
  for (int round = 0; round < 3; ++round) {
    std::vector<OwnFd> clients;
    for (size_t i = 0; i < 200; ++i) clients.emplace_back(ConnectTo(Path()));
    EXPECT_TRUE(Eventually([&] { return num_accepted() == 200; }));
    CloseAccepted();
  }
  listener_.reset();
  EXPECT_EQ(NumOpenFiles(), files);
  EXPECT_EQ(ConnectTo(Path()), -ENOENT);
}

TEST_F(UnixListenerTest, GoesOnWhenThereAreDescriptorsAgain) {
  Start();
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  std::vector<OwnFd> taken;
  const rlimit few = {static_cast<rlim_t>(NumOpenFiles()) + 8, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
  const OwnFd client(socket(AF_UNIX, SOCK_STREAM, 0));
  while (true) {
    const int fd = open("/dev/null", O_RDONLY);
    if (fd < 0) break;
    taken.emplace_back(fd);
  }
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, Path().data(), Path().size());
  EXPECT_EQ(connect(client.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  absl::SleepFor(absl::Milliseconds(300));  // so that it is tried without one
  EXPECT_EQ(num_accepted(), 0u);
  setrlimit(RLIMIT_NOFILE, &before);
  taken.clear();
  EXPECT_TRUE(Eventually([&] { return num_accepted() == 1; }));
}

}  // namespace
}  // namespace tweedie
