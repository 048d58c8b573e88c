#include "server/sockets/unix_socket.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_folder.h"
#include "tests/unit/sockets/sockets_testing.h"

namespace tweedie {
namespace {

using absl::StatusCode::kFailedPrecondition;
using ::testing::HasSubstr;

class UnixSocketTest : public ::testing::Test {
 protected:
  bool IsThere() const {
    struct stat info;
    return lstat(path_.c_str(), &info) == 0;
  }
  // As a server that was killed leaves it.
  void LeaveStale() const {
    const OwnFd fd(socket(AF_UNIX, SOCK_STREAM, 0));
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path_.data(), path_.size());
    ASSERT_EQ(bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  }

  const TempFolder folder_;
  const std::string path_ = folder_.File("socket");
};

TEST(UnixPathTest, IsWhatFollowsTheScheme) {
  EXPECT_EQ(UnixPathOf("unix:run/tweedie"), "run/tweedie");
  EXPECT_EQ(UnixPathOf("unix:/run/tweedie"), "/run/tweedie");
  EXPECT_EQ(UnixPathOf("unix:///run/tweedie"), "/run/tweedie");
  EXPECT_EQ(UnixPathOf("unix:"), "");
  EXPECT_EQ(UnixPathOf("127.0.0.1:7433"), "");
}

TEST_F(UnixSocketTest, HasTheModeWhateverTheMaskOfTheProcess) {
  for (const mode_t mode : {0660, 0600, 0666, 0777}) {
    const mode_t before = umask(mode == 0600 ? 0 : 0077);
    ASSERT_OK_AND_ASSIGN(const auto listening, UnixSocket::Listen(path_, mode));
    umask(before);
    struct stat info;
    ASSERT_EQ(stat(path_.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777, mode);
    EXPECT_TRUE(S_ISSOCK(info.st_mode));
    EXPECT_GE(OwnFd(ConnectTo(path_)).get(), 0);
  }
}

TEST_F(UnixSocketTest, IsGoneAtTheEnd) {
  ASSERT_OK(UnixSocket::Listen(path_, 0660));
  EXPECT_FALSE(IsThere());
}

TEST_F(UnixSocketTest, ThatOfADeadServerIsReplaced) {
  LeaveStale();
  ASSERT_TRUE(IsThere());
  ASSERT_OK_AND_ASSIGN(const auto listening, UnixSocket::Listen(path_, 0660));
  EXPECT_GE(OwnFd(ConnectTo(path_)).get(), 0);
}

TEST_F(UnixSocketTest, ThatOfALivingServerIsRefusedAndStays) {
  ASSERT_OK_AND_ASSIGN(const auto listening, UnixSocket::Listen(path_, 0660));
  EXPECT_THAT(UnixSocket::Listen(path_, 0660),
              StatusIs(kFailedPrecondition, HasSubstr("a server listens")));
  EXPECT_GE(OwnFd(ConnectTo(path_)).get(), 0);
}

TEST_F(UnixSocketTest, AFileThatIsNoSocketIsRefusedAndStays) {
  std::ofstream(path_) << "mine";
  EXPECT_THAT(UnixSocket::Listen(path_, 0660),
              StatusIs(kFailedPrecondition, HasSubstr("no socket")));
  EXPECT_TRUE(IsThere());
}

// A later server's file is not taken away by one that ends after it.
TEST_F(UnixSocketTest, AnothersFileStaysAtTheEnd) {
  ASSERT_OK_AND_ASSIGN(auto first, UnixSocket::Listen(path_, 0660));
  unlink(path_.c_str());
  ASSERT_OK_AND_ASSIGN(const auto second, UnixSocket::Listen(path_, 0660));
  first.reset();
  EXPECT_GE(OwnFd(ConnectTo(path_)).get(), 0);
}

TEST_F(UnixSocketTest, PathsThatCannotBe) {
  using absl::StatusCode::kInvalidArgument;
  EXPECT_THAT(UnixSocket::Listen("", 0660), StatusIs(kInvalidArgument, HasSubstr("107")));
  EXPECT_THAT(UnixSocket::Listen(std::string(108, 'x'), 0660),
              StatusIs(kInvalidArgument, HasSubstr("107")));
  EXPECT_THAT(UnixSocket::Listen(folder_.File("none/socket"), 0660),
              StatusIs(kFailedPrecondition, HasSubstr("No such file")));
}

}  // namespace
}  // namespace tweedie
