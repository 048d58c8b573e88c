#include "server/watch/hub_observer.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/testing/fake_clock.h"
#include "tests/testing/status_matchers.h"
#include "tests/unit/watch/watch_testing.h"

namespace tweedie {
namespace {

class HubObserverTest : public ::testing::Test {
 protected:
  std::shared_ptr<Subscription> WatchFrames(std::vector<FrameForm> forms) {
    auto subscription = hub_.Watch("job1", {1, std::move(forms)});
    EXPECT_OK(hub_.Begin(*subscription, MakeRecord("job1", JobState::kRunning, 1, 0), 0, 0));
    EXPECT_NE(Text(subscription->Next([] {})), "wait");  // the job
    return subscription;
  }
  void Step(const at::Tensor& x_t, const at::Tensor& x0_hat) {
    StepReport report;
    report.job_id = "job1";
    report.sequence = Seq(1, 1);
    report.progress.set_step(5);
    report.progress.set_timestep(42);
    report.x_t = x_t;
    report.x0_hat = x0_hat;
    observer_.OnStep(report);
  }
  // The next frame's bytes, after the progress; null if there is none.
  static std::shared_ptr<const std::string> NextFrame(Subscription& subscription) {
    while (true) {
      const auto next = subscription.Next([] {});
      if (!next.ok() || !next->has_value()) return nullptr;
      if (const auto* bytes = std::get_if<2>(&(*next)->what)) return *bytes;
    }
  }
  static v1::Frame Parse(const std::shared_ptr<const std::string>& bytes) {
    v1::Frame frame;
    EXPECT_TRUE(bytes != nullptr && frame.ParseFromString(*bytes));
    return frame;
  }

  FakeClock clock_;
  EventHub hub_{&clock_};
  int encoded_ = 0;
  HubObserver observer_{&hub_, [this](const at::Tensor& images, v1::ImageFormat format) {
                          ++encoded_;
                          return WriteImages(images, format);
                        }};
};

constexpr auto kFloat = v1::IMAGE_FORMAT_TENSOR_FLOAT32;
constexpr auto kPng = v1::IMAGE_FORMAT_PNG;

TEST_F(HubObserverTest, AFrameIsEncodedOnceForAllWhoWantItsForm) {
  std::vector<std::shared_ptr<Subscription>> watchers;
  for (int i = 0; i < 10; ++i) watchers.push_back(WatchFrames({{v1::Frame::X0_HAT, kFloat, 0}}));
  // Four images are all that there are.
  watchers.push_back(WatchFrames({{v1::Frame::X0_HAT, kFloat, 4}}));
  watchers.push_back(WatchFrames({{v1::Frame::X0_HAT, kFloat, 9}}));
  auto other = WatchFrames({{v1::Frame::X0_HAT, kPng, 0}, {v1::Frame::X_T, kFloat, 0}});
  Step(at::zeros({4, 1, 8, 8}), at::ones({4, 1, 8, 8}));
  EXPECT_EQ(encoded_, 3);
  const auto first = NextFrame(*watchers[0]);
  ASSERT_NE(first, nullptr);
  for (size_t i = 1; i < watchers.size(); ++i) EXPECT_EQ(NextFrame(*watchers[i]), first);
}

TEST_F(HubObserverTest, AFrameTellsWhatItIs) {
  auto watcher = WatchFrames({{v1::Frame::X0_HAT, kFloat, 2}, {v1::Frame::X_T, kPng, 0}});
  Step(at::zeros({3, 1, 8, 8}), at::ones({3, 1, 8, 8}));
  const v1::Frame x0_hat = Parse(NextFrame(*watcher));
  EXPECT_EQ(x0_hat.kind(), v1::Frame::X0_HAT);
  EXPECT_EQ(x0_hat.step(), 5);
  EXPECT_EQ(x0_hat.timestep(), 42);
  EXPECT_THAT(x0_hat.images().tensor().shape(), ::testing::ElementsAre(2, 1, 8, 8));
  const v1::Frame x_t = Parse(NextFrame(*watcher));
  EXPECT_EQ(x_t.kind(), v1::Frame::X_T);
  EXPECT_EQ(x_t.images().encoded().files_size(), 3);
}

TEST_F(HubObserverTest, AFrameHoldsNoMoreImagesThanFit) {
  for (const auto format : {kFloat, v1::IMAGE_FORMAT_TENSOR_UINT8, kPng}) {
    auto watcher = WatchFrames({{v1::Frame::X0_HAT, format, 0}});
    // Noise: PNG cannot make it smaller.
    Step(at::Tensor(), at::rand({64, 3, 160, 160}).mul(2).sub(1));
    const auto bytes = NextFrame(*watcher);
    ASSERT_NE(bytes, nullptr);
    EXPECT_LE(static_cast<int64_t>(bytes->size()), kMaxFrameBytes);
    const v1::Frame frame = Parse(bytes);
    const int64_t held =
        format == kPng ? frame.images().encoded().files_size() : frame.images().tensor().shape(0);
    const int64_t one = 3 * 160 * 160 * (format == kFloat ? 4 : 1);
    EXPECT_GE(held, kMaxFrameBytes / one - 1);
  }
}

TEST_F(HubObserverTest, ThereIsNoFrameWhereNotEvenOneImageFits) {
  EXPECT_EQ(FrameImages({3, 1024, 1024}, 4, {v1::Frame::X0_HAT, kFloat, 0}), 0);
  EXPECT_EQ(FrameImages({3, 512, 512}, 4, {v1::Frame::X0_HAT, kPng, 0}), 3);
  auto watcher = WatchFrames({{v1::Frame::X0_HAT, kFloat, 0}});
  Step(at::Tensor(), at::zeros({1, 3, 1024, 1024}));
  EXPECT_EQ(NextFrame(*watcher), nullptr);
  EXPECT_EQ(encoded_, 0);
}

TEST_F(HubObserverTest, AStepWithoutTensorsMakesNoFrame) {
  auto watcher = WatchFrames({{v1::Frame::X0_HAT, kFloat, 0}, {v1::Frame::X_T, kFloat, 0}});
  Step(at::Tensor(), at::Tensor());
  EXPECT_EQ(NextFrame(*watcher), nullptr);
}

}  // namespace
}  // namespace tweedie
