// What becomes of jobs where a device has no memory for a bucket.
#include <ATen/ATen.h>
#include <c10/util/Exception.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "core/device/bucketed_denoiser.h"
#include "core/engine/engine.h"
#include "core/methods/failure.h"
#include "tests/testing/fake_method.h"
#include "tests/testing/recording_sink.h"
#include "tests/testing/softsign_denoiser.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/step_devices.h"

namespace tweedie {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Optional;

[[noreturn]] void RunOut() { throw c10::OutOfMemoryError({}, "CUDA out of memory"); }

// Buckets of 16, 8, 4, 2 and 1 rows are the graphs 0 to 4.
class BucketMemoryTest : public testing::Test {
 protected:
  void AddBuckets() {
    for (const int64_t rows : {16, 8, 4, 2, 1}) denoiser_.AddBucket(rows);
  }
  RecordingSink::Done Run(const std::string& id, int64_t rows) {
    EXPECT_OK(engine_.Submit({id, std::make_unique<FakeMethod>(rows, 3, 0.5), &denoiser_, id, 1}));
    while (engine_.StepOnce()) {
    }
    return sink_.done().at(id);
  }

  const std::shared_ptr<FaultyStepDevice> device_ =
      std::make_shared<FaultyStepDevice>(std::make_shared<CpuStepDevice>());
  BucketedDenoiser denoiser_{std::make_unique<SoftsignDenoiser>(), device_, {{1, 2, 2}, 1, false}};
  RecordingSink sink_;
  Engine engine_{{.max_batch_rows = 16}, &sink_};
};

TEST_F(BucketMemoryTest, ALaunchThatRunsOutOfMemoryStepsDownBucketByBucket) {
  AddBuckets();
  const at::Tensor expected = Run("undisturbed", 16).x;
  for (int smallest = 1; smallest <= 4; ++smallest) {  // the first graph that has room
    device_->on_launch = [&](int graph) {
      if (graph < smallest) RunOut();
    };
    const RecordingSink::Done done = Run(std::string("room-for-") + std::to_string(smallest), 16);
    EXPECT_OK(done.status);
    EXPECT_TRUE(at::equal(done.x, expected));
  }
}

TEST_F(BucketMemoryTest, AJobFailsIfThereIsNoRoomForOneRowAndTheNextRuns) {
  AddBuckets();
  device_->on_launch = [](int) { RunOut(); };
  const absl::Status status = Run("too-large", 4).status;
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("out of memory")));
  EXPECT_THAT(ReasonOf(status), Optional(std::string("OUT_OF_MEMORY")));
  device_->on_launch = nullptr;
  EXPECT_OK(Run("later", 4).status);
}

TEST_F(BucketMemoryTest, ABucketThatIsNotRecordedIsNotThereAndItsCallsAreMadeInPieces) {
  AddBuckets();
  const at::Tensor expected = Run("undisturbed", 16).x;
  BucketedDenoiser smaller(std::make_unique<SoftsignDenoiser>(), device_, {{1, 2, 2}, 1, false});
  device_->on_capture = [](int) { RunOut(); };
  EXPECT_THROW(smaller.AddBucket(16), c10::OutOfMemoryError);
  device_->on_capture = nullptr;
  smaller.AddBucket(4);
  EXPECT_THAT(smaller.buckets(), ElementsAre(4));
  device_->launches = 0;
  const DenoiserInput input = {at::full({16, 1, 2, 2}, 0.5), at::full({16}, 500, at::kLong), {}};
  EXPECT_TRUE(at::equal(smaller.Predict(input), denoiser_.Predict(input)));
  EXPECT_EQ(device_->launches, 4 + 1);
}

}  // namespace
}  // namespace tweedie
