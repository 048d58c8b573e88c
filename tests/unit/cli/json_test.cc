#include "client/cli/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tweedie::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(JsonTest, IsOneLineWithTheFieldsNamesOfTheProtos) {
  v1::Job job;
  job.set_name("jobs/a\nb");
  job.set_num_images(2);
  EXPECT_EQ(ToJson(job), R"({"name":"jobs/a\nb","num_images":2})");
}

TEST(JsonTest, EventsLackTheBytesOfTheirImages) {
  v1::WatchJobResponse event;
  event.set_sequence(5);
  event.mutable_frame()->set_step(7);
  event.mutable_frame()->mutable_images()->mutable_encoded()->add_files("bytes");
  EXPECT_EQ(ToJson(event), R"({"sequence":"5","frame":{"step":7}})");
}

}  // namespace
}  // namespace tweedie::cli
