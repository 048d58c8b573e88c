#include "server/sockets/listener.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <climits>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "core/base/status_macros.h"
#include "server/sockets/peer_users.h"
#include "server/sockets/unix_socket.h"
#include "tests/testing/descriptor_limit.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_folder.h"
#include "tests/unit/sockets/sockets_testing.h"

namespace tweedie {
namespace {

using ::testing::Optional;

class ListenerTest : public ::testing::Test {
 protected:
  ~ListenerTest() override { listener_.reset(); }

  void Start(int num_sockets = 1) {
    std::vector<Listener::Source> sources;
    for (int i = 0; i < num_sockets; ++i) {
      ASSERT_OK_AND_ASSIGN(auto one, UnixSocket::Listen(Path(i), 0666));
      sources.push_back({std::move(one), [this](int fd) -> absl::Status {
                           ASSIGN_OR_RETURN(const int admitted, users_.Admit(fd));
                           absl::MutexLock lock(&mu_);
                           accepted_.emplace_back(admitted);
                           return absl::OkStatus();
                         }});
    }
    ASSERT_OK_AND_ASSIGN(listener_, Listener::Start(std::move(sources)));
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
  std::unique_ptr<Listener> listener_;
};

TEST_F(ListenerTest, NotesWhoConnects) {
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

TEST_F(ListenerTest, ANumberThatWasOneUsersIsNotTheNextOnes) {
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

TEST_F(ListenerTest, AllSocketsAreListenedOn) {
  Start(3);
  for (int i = 0; i < 3; ++i) {
    const OwnFd client(ConnectTo(Path(i)));
    ASSERT_GE(client.get(), 0);
    EXPECT_TRUE(Eventually([&] { return num_accepted() == static_cast<size_t>(i) + 1; }));
  }
}

TEST_F(ListenerTest, ManyConnectionsAtOnceAndNothingIsLeft) {
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

// Takes descriptors until one would be `end`, or there is none.
std::vector<OwnFd> TakeUpTo(int end) {
  std::vector<OwnFd> taken;
  while (true) {
    OwnFd fd(open("/dev/null", O_RDONLY | O_CLOEXEC));
    if (fd.get() < 0 || fd.get() >= end) return taken;
    taken.push_back(std::move(fd));
  }
}

TEST_F(ListenerTest, GoesOnWhenThereAreDescriptorsAgain) {
  Start();
  const OwnFd client(socket(AF_UNIX, SOCK_STREAM, 0));
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, Path().data(), Path().size());
  {
    const DescriptorLimit few(static_cast<rlim_t>(NumOpenFiles()) + 8);
    const std::vector<OwnFd> taken = TakeUpTo(INT_MAX);
    EXPECT_EQ(connect(client.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    absl::SleepFor(absl::Milliseconds(300));  // so that it is tried without one
    EXPECT_EQ(num_accepted(), 0u);
  }
  EXPECT_TRUE(Eventually([&] { return num_accepted() == 1; }));
}

TEST_F(ListenerTest, TheLastDescriptorsAreNotForConnections) {
  Start();
  const DescriptorLimit few(200);
  ASSERT_LT(NumOpenFiles(), 100);
  const int kept = DescriptorsKept(200);
  {
    const std::vector<OwnFd> taken = TakeUpTo(200 - kept);
    const OwnFd client(ConnectTo(Path()));
    char byte = 0;
    EXPECT_EQ(read(client.get(), &byte, 1), 0) << "closed";
    EXPECT_EQ(num_accepted(), 0u);
  }
  const OwnFd client(ConnectTo(Path()));
  EXPECT_TRUE(Eventually([&] { return num_accepted() == 1; }));
}

}  // namespace
}  // namespace tweedie
