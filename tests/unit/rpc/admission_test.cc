// What calls may take at a time: streams, memory of requests, sizes of responses.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "absl/strings/cord.h"
#include "core/base/field_error.h"
#include "core/jobs/job_store.h"
#include "server/log/logging.h"
#include "server/rpc/log_calls.h"
#include "server/rpc/refusals.h"
#include "server/rpc/response_size.h"
#include "server/rpc/stream_places.h"
#include "server/rpc/stream_sources.h"
#include "tests/testing/status_matchers.h"

namespace tweedie {
namespace {

using ::testing::HasSubstr;

std::string QuotaOf(const absl::Status& status) {
  const auto payload = status.GetPayload(kQuotaPayload);
  return payload.has_value() ? std::string(*payload) : "";
}

// --- StreamPlaces -----------------------------------------------------------

TEST(StreamPlacesTest, TheLastPlaceIsTakenAndTheNextRefused) {
  StreamPlaces places({.max = 3, .max_per_creator = 3});
  std::vector<StreamPlaces::Place> taken;
  for (const char* creator : {"ada", "bob", "eve"}) {
    auto place = places.Take(creator, false);
    ASSERT_OK(place);
    taken.push_back(*place);
  }
  const auto refused = places.Take("fay", false);
  EXPECT_THAT(refused, StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("at most 3")));
  EXPECT_EQ(QuotaOf(refused.status()), "watches");
  EXPECT_EQ(places.taken(), 3);
}

TEST(StreamPlacesTest, ACreatorHasAShare) {
  StreamPlaces places({.max = 10, .max_per_creator = 2});
  const auto first = places.Take("ada", false), second = places.Take("ada", false);
  ASSERT_OK(second);
  const auto refused = places.Take("ada", false);
  EXPECT_THAT(refused,
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("of your streams")));
  EXPECT_EQ(QuotaOf(refused.status()), "creator_watches");
  EXPECT_OK(places.Take("bob", false));
}

TEST(StreamPlacesTest, APlaceComesBackWithItsLastCopy) {
  StreamPlaces places({.max = 1, .max_per_creator = 1});
  {
    const StreamPlaces::Place place = *places.Take("ada", false);
    StreamPlaces::Place copy = place;
    EXPECT_FALSE(places.Take("ada", false).ok());
    copy.reset();
    EXPECT_FALSE(places.Take("ada", false).ok());
  }
  EXPECT_EQ(places.taken(), 0);
  EXPECT_OK(places.Take("ada", false));
}

TEST(StreamPlacesTest, RelaysCountInAllButToNobody) {
  StreamPlaces places({.max = 3, .max_per_creator = 1});
  const auto first = places.Take("ada", true), second = places.Take("ada", true);
  ASSERT_OK(second);
  const auto own = places.Take("ada", false);
  ASSERT_OK(own);
  EXPECT_EQ(QuotaOf(places.Take("bob", true).status()), "watches");
}

TEST(StreamPlacesTest, ThreadsNeverTakeMoreThanThereAre) {
  StreamPlaces places({.max = 50, .max_per_creator = 7});
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&places, t] {
      for (int i = 0; i < 2000; ++i) {
        auto place = places.Take(t % 2 == 0 ? "ada" : "bob", false);
        EXPECT_LE(places.taken(), 14);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(places.taken(), 0);
}

// --- Refusals ---------------------------------------------------------------

TEST(RefusalsTest, EachIsCountedUnderItsReason) {
  Refusals refusals;
  for (const auto& [name, count] : refusals.Metrics()) EXPECT_EQ(count, 0) << name;
  EXPECT_EQ(refusals.Metrics().size(), 10u);
  refusals.Count(Refused(absl::UnavailableError("x"), "calls"));
  absl::Status full = absl::ResourceExhaustedError("full");
  full.SetPayload(kQuotaPayload, absl::Cord("queue"));
  refusals.Count(full);
  refusals.Count(full);
  refusals.Count(absl::OkStatus());
  refusals.Count(absl::InvalidArgumentError("no refusal"));
  refusals.Count(absl::ResourceExhaustedError("nor this"));
  auto metrics = refusals.Metrics();
  EXPECT_EQ(metrics["tweedie_admission_rejections_total{reason=\"calls\"}"], 1);
  EXPECT_EQ(metrics["tweedie_admission_rejections_total{reason=\"queue\"}"], 2);
  EXPECT_EQ(metrics.size(), 10u);
}

// --- Sizes of responses -----------------------------------------------------

v1::ReadJobImagesResponse ResponseOf(size_t bytes) {
  v1::ReadJobImagesResponse response;
  response.mutable_images()->mutable_tensor()->set_data(std::string(bytes, 'x'));
  return response;
}

TEST(ResponseSizeTest, AResponseOfTheLimitIsSentAndALargerOneIsNot) {
  const v1::ReadJobImagesResponse response = ResponseOf(1000);
  const auto size = static_cast<int64_t>(response.ByteSizeLong());
  EXPECT_OK(CheckResponseSize(response, size));
  EXPECT_THAT(
      CheckResponseSize(response, size - 1),
      StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("--max-response-mebibytes")));
}

TEST(ResponseSizeTest, AStreamEndsBeforeTheMessageThatIsTooLarge) {
  using Reactor = PullReactor<v1::ReadJobImagesResponse>;
  using Item = Reactor::Item;
  size_t bytes = 100;
  const auto source = WithSizesChecked<Reactor>(
      [&](std::function<void()>) -> absl::StatusOr<std::optional<Item>> {
        if (bytes == 0) return std::nullopt;
        return Item{ResponseOf(bytes), false};
      },
      500);
  ASSERT_OK_AND_ASSIGN(const std::optional<Item> small, source([] {}));
  EXPECT_EQ(small->response->images().tensor().data().size(), 100u);
  bytes = 0;
  ASSERT_OK_AND_ASSIGN(const std::optional<Item> nothing, source([] {}));
  EXPECT_FALSE(nothing.has_value());
  bytes = 500;
  EXPECT_THAT(source([] {}),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("at most 500 ")));
}

// --- SetLogLevel ------------------------------------------------------------

TEST(SetLogLevelTest, UnknownLevelsNameTheirField) {
  const std::string before = LogLevelName();
  v1::SetLogLevelRequest request;
  for (const std::string level : {std::string(), std::string("verbose"), std::string("in\nfo\0", 6),
                                  std::string(5000, 'x')}) {
    request.set_level(level);
    const auto refused = SetLogLevel(request);
    EXPECT_THAT(refused, StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("warning, error")));
    EXPECT_EQ(FieldOf(refused.status()), "level");
    EXPECT_LT(refused.status().message().size(), 300u);
  }
  EXPECT_EQ(LogLevelName(), before);
  request.set_level("debug");
  ASSERT_OK_AND_ASSIGN(const v1::SetLogLevelResponse set, SetLogLevel(request));
  EXPECT_EQ(set.previous_level(), before);
  EXPECT_EQ(LogLevelName(), "debug");
  tweedie::SetLogLevel(before);
}

}  // namespace
}  // namespace tweedie
