// PullReactor and StreamRegistry against gRPC itself, with a puppet source.
#include "server/rpc/pull_reactor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "core/base/clock.h"
#include "server/rpc/stream_registry.h"
#include "tests/testing/error_details.h"
#include "tests/testing/loopback_service.h"
#include "tweedie/v1/tweedie_service.grpc.pb.h"

namespace tweedie {
namespace {

using Reactor = PullReactor<v1::WatchJobResponse>;

// Hands out what it is given; thread-safe.
class Puppet {
 public:
  absl::StatusOr<std::optional<Reactor::Item>> Next(std::function<void()> on_ready) {
    absl::MutexLock lock(&mu_);
    if (given_ == 0) {
      on_ready_ = std::move(on_ready);
      return std::nullopt;
    }
    --given_;
    v1::WatchJobResponse response;
    response.set_sequence(++sequence_);
    response.mutable_frame()->mutable_images()->mutable_tensor()->set_data(
        std::string(bytes_, 'x'));
    return Reactor::Item{std::move(response), sequence_ == last_};
  }
  void Give(int count) {
    std::function<void()> wake;
    {
      absl::MutexLock lock(&mu_);
      given_ += count;
      wake = std::exchange(on_ready_, nullptr);
    }
    if (wake) wake();
  }
  void set_last(int64_t last) { last_ = last; }
  void set_bytes(size_t bytes) { bytes_ = bytes; }

 private:
  absl::Mutex mu_;
  std::function<void()> on_ready_ ABSL_GUARDED_BY(mu_);
  int given_ ABSL_GUARDED_BY(mu_) = 0;
  int64_t sequence_ ABSL_GUARDED_BY(mu_) = 0;
  std::atomic<int64_t> last_ = -1;
  std::atomic<size_t> bytes_ = 8;
};

class PuppetService final : public v1::Tweedie::CallbackService {
 public:
  grpc::ServerWriteReactor<v1::WatchJobResponse>* WatchJob(grpc::CallbackServerContext* context,
                                                           const v1::WatchJobRequest*) override {
    const std::shared_ptr<Reactor> reactor = Reactor::Make(context, &registry);
    Reactor* const handle = reactor.get();
    auto source = std::make_shared<Puppet>();
    source->set_bytes(bytes);
    source->set_last(last);
    {
      absl::MutexLock lock(&mu_);
      latest_ = source;
    }
    reactor->Start(
        [source](std::function<void()> on_ready) { return source->Next(std::move(on_ready)); });
    source->Give(first);
    return handle;
  }

  // The source of the latest call.
  std::weak_ptr<Puppet> Latest() {
    absl::MutexLock lock(&mu_);
    return latest_;
  }

  StreamRegistry registry;
  std::atomic<int64_t> last = -1;
  std::atomic<size_t> bytes = 8;
  std::atomic<int> first = 1;

 private:
  absl::Mutex mu_;
  std::weak_ptr<Puppet> latest_ ABSL_GUARDED_BY(mu_);
};

class PullReactorTest : public ::testing::Test {
 protected:
  ~PullReactorTest() override {
    service_.registry.EndAll(absl::UnavailableError("the test is over"));
    server_.Stop();
    EXPECT_EQ(service_.registry.size(), 0);  // none leaked
  }
  std::unique_ptr<grpc::ClientReader<v1::WatchJobResponse>> Watch(grpc::ClientContext& context) {
    return stub_->WatchJob(&context, v1::WatchJobRequest());
  }
  // A stream of more than its reader has taken, which is one message. Flow control lets some
  // through; then a write stays out.
  std::unique_ptr<grpc::ClientReader<v1::WatchJobResponse>> WatchAndStall(
      grpc::ClientContext& context) {
    service_.bytes = 1 << 20;
    service_.first = 1 << 20;
    auto reader = Watch(context);
    v1::WatchJobResponse response;
    EXPECT_TRUE(reader->Read(&response));
    return reader;
  }
  // How it ends, once the reader takes what there is.
  static grpc::Status EndOf(grpc::ClientReader<v1::WatchJobResponse>& reader) {
    v1::WatchJobResponse response;
    while (reader.Read(&response)) {
    }
    return reader.Finish();
  }

  PuppetService service_;
  LoopbackService server_{&service_};
  const std::unique_ptr<v1::Tweedie::Stub> stub_ = v1::Tweedie::NewStub(
      grpc::CreateChannel(server_.address(), grpc::InsecureChannelCredentials()));
};

TEST_F(PullReactorTest, SendsAllInOrderThenOk) {
  service_.first = 1000;
  service_.last = 1000;
  grpc::ClientContext context;
  auto reader = Watch(context);
  v1::WatchJobResponse response;
  for (int64_t i = 1; i <= 1000; ++i) {
    ASSERT_TRUE(reader->Read(&response));
    ASSERT_EQ(response.sequence(), i);
  }
  EXPECT_FALSE(reader->Read(&response));
  EXPECT_TRUE(reader->Finish().ok());
}

TEST_F(PullReactorTest, AWaitingStreamIsWoken) {
  service_.last = 2;
  grpc::ClientContext context;
  auto reader = Watch(context);
  v1::WatchJobResponse response;
  ASSERT_TRUE(reader->Read(&response));
  service_.Latest().lock()->Give(1);
  ASSERT_TRUE(reader->Read(&response));
  EXPECT_EQ(response.sequence(), 2);
  EXPECT_TRUE(reader->Finish().ok());
}

TEST_F(PullReactorTest, ADrainEndsLiveStreamsAndLaterOnes) {
  grpc::ClientContext context, later;
  auto reader = Watch(context);
  v1::WatchJobResponse response;
  ASSERT_TRUE(reader->Read(&response));
  service_.registry.EndAll(absl::UnavailableError("stopping"));
  EXPECT_FALSE(reader->Read(&response));
  const grpc::Status status = reader->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_TRUE(MayRetry(status));
  EXPECT_EQ(Watch(later)->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(PullReactorTest, AReaderThatTakesNothingIsEnded) {
  grpc::ClientContext context;
  const auto reader = WatchAndStall(context);
  // A stream that has been ended lets go of its source.
  while (!service_.Latest().expired()) {
    service_.registry.EndStalled(Clock::Real()->Steady() - absl::Milliseconds(300));
    std::this_thread::yield();
  }
  const grpc::Status status = EndOf(*reader);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_TRUE(MayRetry(status));
}

// Nor does its end keep its place as long as the connection.
TEST_F(PullReactorTest, AReaderThatDoesNotTakeTheEndIsDropped) {
  grpc::ClientContext context;
  const auto reader = WatchAndStall(context);
  const absl::Time give_up = absl::Now() + absl::Seconds(30);
  while (service_.registry.size() > 0 && absl::Now() < give_up) {
    const absl::Time now = Clock::Real()->Steady();
    service_.registry.EndStalled(now - absl::Milliseconds(300));
    service_.registry.DropStalled(now - absl::Milliseconds(600));
    std::this_thread::yield();
  }
  EXPECT_EQ(service_.registry.size(), 0);
  EXPECT_EQ(EndOf(*reader).error_code(), grpc::StatusCode::CANCELLED);
}

// Cancels and ends meet writes at every moment; nothing may crash or leak.
TEST_F(PullReactorTest, CancelsAndEndsAtAnyMomentAreClean) {
  service_.first = 50;
  service_.last = 40;
  std::atomic<bool> over = false;
  std::thread ender([&] {
    while (!over) {
      service_.registry.EndStalled(absl::InfiniteFuture());
      service_.registry.DropStalled(Clock::Real()->Steady());
    }
  });
  std::vector<std::thread> clients;
  for (int c = 0; c < 4; ++c) {
    clients.emplace_back([&, c] {
      for (int i = 0; i < 100; ++i) {
        grpc::ClientContext context;
        auto reader = Watch(context);
        v1::WatchJobResponse response;
        for (int reads = (i + c) % 7; reads > 0 && reader->Read(&response); --reads) {
        }
        context.TryCancel();
        reader->Finish();
      }
    });
  }
  for (std::thread& client : clients) client.join();
  over = true;
  ender.join();
}

}  // namespace
}  // namespace tweedie
