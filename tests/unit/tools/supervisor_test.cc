#include "server/base/supervisor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string>

#include "tests/testing/scoped_environment.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_folder.h"

namespace tweedie {
namespace {

using ::testing::HasSubstr;

// A socket as systemd has one; `name` as in NOTIFY_SOCKET.
class Listener {
 public:
  explicit Listener(const std::string& name) : fd_(socket(AF_UNIX, SOCK_DGRAM, 0)) {
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name.data(), name.size());
    if (name[0] == '@') address.sun_path[0] = '\0';
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    EXPECT_EQ(bind(fd_, reinterpret_cast<const sockaddr*>(&address), size), 0);
  }
  ~Listener() { close(fd_); }

  std::string Next() const {
    char text[256];
    const ssize_t size = recv(fd_, text, sizeof(text), MSG_DONTWAIT);
    return size < 0 ? "" : std::string(text, static_cast<size_t>(size));
  }

 private:
  const int fd_;
};

void ExpectAllIsHeard(const std::string& name) {
  const Listener listener(name);
  const ScopedEnvironment environment("NOTIFY_SOCKET", name);
  ASSERT_OK_AND_ASSIGN(const Supervisor supervisor, Supervisor::FromEnvironment());
  EXPECT_EQ(std::getenv("NOTIFY_SOCKET"), nullptr) << "children would be heard";
  supervisor.Ready("listening on 127.0.0.1:1");
  EXPECT_EQ(listener.Next(), "READY=1\nSTATUS=listening on 127.0.0.1:1");
  supervisor.Alive();
  EXPECT_EQ(listener.Next(), "WATCHDOG=1");
  supervisor.Stopping();
  EXPECT_EQ(listener.Next(), "STOPPING=1\nSTATUS=draining");
}

TEST(SupervisorTest, HearsAtAPath) {
  const TempFolder folder;
  ExpectAllIsHeard(folder.path() + "/notify");
}

TEST(SupervisorTest, HearsAtAnAbstractName) {
  ExpectAllIsHeard("@tweedie-supervisor-test-" + std::to_string(getpid()));
}

TEST(SupervisorTest, WithoutOneNothingIsSent) {
  unsetenv("NOTIFY_SOCKET");
  ASSERT_OK_AND_ASSIGN(const Supervisor supervisor, Supervisor::FromEnvironment());
  supervisor.Ready("");
  supervisor.Alive();
}

TEST(SupervisorTest, OneThatIsGoneHarmsNobody) {
  const Supervisor supervisor("/nowhere/notify");
  supervisor.Alive();
}

TEST(SupervisorTest, OtherKindsOfSocketsAreRefused) {
  for (const std::string& name : {std::string("vsock:2:1"), std::string(200, '/')}) {
    const ScopedEnvironment environment("NOTIFY_SOCKET", name);
    EXPECT_THAT(Supervisor::FromEnvironment(), StatusIs(absl::StatusCode::kInvalidArgument,
                                                        HasSubstr("NOTIFY_SOCKET must be a path")));
  }
}

}  // namespace
}  // namespace tweedie
