// gRPC over connections that were accepted here: what it promises of a connection holds,
// and each call knows its user.
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/server_posix.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "core/base/status_macros.h"
#include "server/sockets/listener.h"
#include "server/sockets/peer_users.h"
#include "server/sockets/unix_socket.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_folder.h"
#include "tests/unit/sockets/sockets_testing.h"
#include "tweedie/v1/tweedie_service.grpc.pb.h"

namespace tweedie {
namespace {

using ::testing::Each;
using ::testing::Optional;
using ::testing::SizeIs;

constexpr size_t kLarge = 10 << 20;
constexpr size_t kPiece = 16 << 10;

// GetJob answers with what it was asked for, so that bytes go both ways; WatchJobs sends
// until it cannot.
class EchoServer final : public v1::Tweedie::Service {
 public:
  explicit EchoServer(const std::string& path) {
    grpc::ServerBuilder builder;
    builder.SetMaxReceiveMessageSize(-1);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
    auto unix_socket = UnixSocket::Listen(path, 0600);
    EXPECT_OK(unix_socket);
    std::vector<Listener::Source> sources;
    sources.push_back({*std::move(unix_socket), [this](int fd) -> absl::Status {
                         ASSIGN_OR_RETURN(const int admitted, users_.Admit(fd));
                         grpc::AddInsecureChannelFromFd(server_.get(), admitted);
                         return absl::OkStatus();
                       }});
    auto listener = Listener::Start(std::move(sources));
    EXPECT_OK(listener);
    listener_ = *std::move(listener);
  }
  ~EchoServer() override { Stop(); }
  void Stop() {
    listener_.reset();
    if (server_ != nullptr) server_->Shutdown(std::chrono::system_clock::now());
    server_.reset();
  }

  std::vector<std::optional<uid_t>> users() {
    absl::MutexLock lock(&mu_);
    return seen_;
  }
  int num_sent() {
    absl::MutexLock lock(&mu_);
    return sent_;
  }
  bool has_ended() {
    absl::MutexLock lock(&mu_);
    return ended_;
  }

  grpc::Status GetJob(grpc::ServerContext* context, const v1::GetJobRequest* request,
                      v1::Job* job) override {
    job->set_name(request->name());
    absl::MutexLock lock(&mu_);
    seen_.push_back(users_.UidOf(context->peer()));
    return grpc::Status::OK;
  }
  grpc::Status WatchJobs(grpc::ServerContext* context, const v1::WatchJobsRequest*,
                         grpc::ServerWriter<v1::WatchJobsResponse>* writer) override {
    v1::WatchJobsResponse response;
    response.mutable_job()->set_name(std::string(kPiece, 'x'));
    while (!context->IsCancelled() && writer->Write(response)) {
      absl::MutexLock lock(&mu_);
      ++sent_;
    }
    absl::MutexLock lock(&mu_);
    ended_ = true;
    return grpc::Status::OK;
  }

 private:
  PeerUsers users_{1000};
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<Listener> listener_;
  absl::Mutex mu_;
  std::vector<std::optional<uid_t>> seen_ ABSL_GUARDED_BY(mu_);
  int sent_ ABSL_GUARDED_BY(mu_) = 0;
  bool ended_ ABSL_GUARDED_BY(mu_) = false;
};

class UnixGrpcTest : public ::testing::Test {
 protected:
  // Of a connection of its own.
  std::unique_ptr<v1::Tweedie::Stub> NewStub() const {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    arguments.SetMaxReceiveMessageSize(-1);
    return v1::Tweedie::NewStub(grpc::CreateCustomChannel(
        absl::StrCat("unix:", path_), grpc::InsecureChannelCredentials(), arguments));
  }
  static std::string Echo(v1::Tweedie::Stub& stub, const std::string& text) {
    grpc::ClientContext context;
    v1::GetJobRequest request;
    request.set_name(text);
    v1::Job job;
    const grpc::Status status = stub.GetJob(&context, request, &job);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return job.name();
  }

  const TempFolder folder_;
  const std::string path_ = folder_.File("socket");
  EchoServer server_{path_};
};

TEST_F(UnixGrpcTest, EachCallKnowsItsUser) {
  const auto one = NewStub();
  const auto two = NewStub();
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(Echo(*one, "a"), "a");
    EXPECT_EQ(Echo(*two, "b"), "b");
  }
  EXPECT_THAT(server_.users(), SizeIs(6));
  EXPECT_THAT(server_.users(), Each(Optional(geteuid())));
}

TEST_F(UnixGrpcTest, TenMebibytesGoBothWays) {
  std::string text(kLarge, '\0');
  for (size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>('a' + i * i % 23);
  EXPECT_TRUE(Echo(*NewStub(), text) == text);
}

TEST_F(UnixGrpcTest, AReaderThatStopsHoldsTheWriter) {
  const auto stub = NewStub();
  grpc::ClientContext context;
  const auto reader = stub->WatchJobs(&context, {});
  v1::WatchJobsResponse response;
  ASSERT_TRUE(reader->Read(&response));
  int before = -1;
  ASSERT_TRUE(Eventually([&] {
    absl::SleepFor(absl::Milliseconds(200));
    return before == std::exchange(before, server_.num_sent());
  })) << "it sends without end";
  EXPECT_LT(before, 800) << "of 16 KiB each";
  EXPECT_EQ(Echo(*stub, "meanwhile"), "meanwhile");
  for (int i = 0; i < before + 20; ++i) ASSERT_TRUE(reader->Read(&response));
  context.TryCancel();
  while (reader->Read(&response)) {
  }
  (void)reader->Finish();
  EXPECT_TRUE(Eventually([&] { return server_.has_ended(); }));
}

TEST_F(UnixGrpcTest, AClientThatGoesEndsItsCalls) {
  {
    const auto stub = NewStub();
    grpc::ClientContext context;
    const auto reader = stub->WatchJobs(&context, {});
    v1::WatchJobsResponse response;
    ASSERT_TRUE(reader->Read(&response));
    context.TryCancel();
    while (reader->Read(&response)) {
    }
    (void)reader->Finish();
  }
  EXPECT_TRUE(Eventually([&] { return server_.has_ended(); }));
}

TEST_F(UnixGrpcTest, ClientsThatSayNothingOrGoInTheMiddleHarmNobody) {
  const OwnFd silent(ConnectTo(path_));
  for (const std::string& start :
       {std::string("GET / HTTP/1.1\r\n\r\n"), std::string("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        std::string("\0\0\0", 3)}) {
    const OwnFd rude(ConnectTo(path_));
    ASSERT_EQ(write(rude.get(), start.data(), start.size()), static_cast<ssize_t>(start.size()));
  }
  EXPECT_EQ(Echo(*NewStub(), "polite"), "polite");
}

TEST_F(UnixGrpcTest, ConnectionsLeaveNoDescriptor) {
  EXPECT_EQ(Echo(*NewStub(), "first"), "first");
  int files = 0;
  // gRPC closes on its own time.
  ASSERT_TRUE(Eventually([&] {
    absl::SleepFor(absl::Milliseconds(100));
    return files == std::exchange(files, NumOpenFiles());
  }));
  for (int round = 0; round < 3; ++round) {
    std::vector<std::unique_ptr<v1::Tweedie::Stub>> stubs;
    for (int i = 0; i < 50; ++i) {
      stubs.push_back(NewStub());
      EXPECT_EQ(Echo(*stubs.back(), "x"), "x");
    }
    EXPECT_GE(NumOpenFiles(), files + 100);
  }
  EXPECT_TRUE(Eventually([&] { return NumOpenFiles() <= files; })) << NumOpenFiles();
}

TEST_F(UnixGrpcTest, TheEndOfTheServerEndsCallsAndConnections) {
  const auto stub = NewStub();
  grpc::ClientContext context;
  const auto reader = stub->WatchJobs(&context, {});
  v1::WatchJobsResponse response;
  ASSERT_TRUE(reader->Read(&response));
  std::thread reading([&] {
    while (reader->Read(&response)) {
    }
  });
  server_.Stop();
  reading.join();
  EXPECT_FALSE(reader->Finish().ok());
  EXPECT_EQ(ConnectTo(path_), -ENOENT);
}

}  // namespace
}  // namespace tweedie
