#include "server/rpc/watch_message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/testing/status_matchers.h"

namespace tweedie {
namespace {

WatchEvent Event() {
  WatchEvent event;
  event.sequence = (int64_t{3} << 32) + 7;
  event.time = absl::FromUnixMicros(1234567890123456);
  event.skipped = 5;
  return event;
}

std::vector<grpc::Slice> SlicesOf(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  EXPECT_TRUE(buffer.Dump(&slices).ok());
  return slices;
}

v1::WatchJobResponse Read(const grpc::ByteBuffer& buffer) {
  std::string bytes;
  for (const grpc::Slice& slice : SlicesOf(buffer)) {
    bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  v1::WatchJobResponse response;
  EXPECT_TRUE(response.ParseFromString(bytes));
  return response;
}

void ExpectEnvelope(const v1::WatchJobResponse& response) {
  EXPECT_EQ(response.sequence(), (int64_t{3} << 32) + 7);
  EXPECT_EQ(response.event_time().seconds(), 1234567890);
  EXPECT_EQ(response.event_time().nanos(), 123456000);
  EXPECT_EQ(response.skipped_events(), 5);
}

std::shared_ptr<const std::string> FrameBytes(size_t pixels) {
  v1::Frame frame;
  frame.set_step(9);
  frame.mutable_images()->mutable_tensor()->set_data(std::string(pixels, 'p'));
  return std::make_shared<const std::string>(frame.SerializeAsString());
}

TEST(WatchMessageTest, JobAndProgress) {
  WatchEvent event = Event();
  v1::Job job;
  job.set_name("jobs/one");
  event.what = std::make_shared<const v1::Job>(job);
  v1::WatchJobResponse response = Read(WatchMessage(event));
  ExpectEnvelope(response);
  EXPECT_EQ(response.job().name(), "jobs/one");
  v1::Progress progress;
  progress.set_step(4);
  event.what = std::make_shared<const v1::Progress>(progress);
  response = Read(WatchMessage(event));
  ExpectEnvelope(response);
  EXPECT_EQ(response.progress().step(), 4);
}

// Of lengths that take one to four bytes to tell.
TEST(WatchMessageTest, Frame) {
  for (const size_t pixels : {size_t{0}, size_t{200}, size_t{1} << 14, size_t{3} << 20}) {
    WatchEvent event = Event();
    event.what = FrameBytes(pixels);
    const v1::WatchJobResponse response = Read(WatchMessage(event));
    ExpectEnvelope(response);
    EXPECT_EQ(response.frame().step(), 9);
    EXPECT_EQ(response.frame().images().tensor().data(), std::string(pixels, 'p'));
  }
}

TEST(WatchMessageTest, FramesBytesAreSharedAndLiveAsLongAsTheMessages) {
  auto bytes = FrameBytes(100000);
  const void* const begin = bytes->data();
  const std::weak_ptr<const std::string> alive = bytes;
  WatchEvent event = Event();
  event.what = bytes;
  grpc::ByteBuffer one = WatchMessage(event);
  grpc::ByteBuffer two = WatchMessage(event);
  event = {};
  bytes.reset();
  for (const grpc::ByteBuffer* buffer : {&one, &two}) {
    EXPECT_EQ(SlicesOf(*buffer).back().begin(), begin);
  }
  one.Clear();
  EXPECT_EQ(Read(two).frame().step(), 9);
  two.Clear();
  EXPECT_TRUE(alive.expired());
}

}  // namespace
}  // namespace tweedie
