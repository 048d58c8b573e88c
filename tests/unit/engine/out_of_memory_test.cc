// What becomes of a network call that lacks memory.
#include <ATen/ATen.h>
#include <c10/util/Exception.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <exception>
#include <limits>
#include <memory>
#include <new>
#include <optional>
#include <string>

#include "core/engine/call_failure.h"
#include "core/engine/engine.h"
#include "core/methods/failure.h"
#include "tests/testing/fake_denoiser.h"
#include "tests/testing/fake_guided_method.h"
#include "tests/testing/fake_method.h"
#include "tests/testing/recording_sink.h"
#include "tests/testing/status_matchers.h"

namespace tweedie {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Optional;
using ::testing::SizeIs;

class OutOfMemoryTest : public ::testing::Test {
 protected:
  void Submit(const std::string& id, int64_t rows, double start, int steps = 1) {
    ASSERT_OK(
        engine_.Submit({id, std::make_unique<FakeMethod>(rows, steps, start), &denoiser_, id, 1}));
  }
  void RunToEnd() {
    while (engine_.StepOnce()) {
    }
  }
  RecordingSink::Done DoneOf(const std::string& id) { return sink_.done().at(id); }
  // Calls of more rows throw, and so does every call with a pixel above `poison`.
  void FailAbove(int64_t rows, float poison = std::numeric_limits<float>::infinity()) {
    denoiser_.FailIf([=](const DenoiserInput& input) -> bool {
      if (input.x.size(0) > rows || input.x.max().item<float>() > poison) throw std::bad_alloc();
      return false;
    });
  }

  FakeDenoiser denoiser_;
  RecordingSink sink_;
  Engine engine_{{.max_batch_rows = 16, .gradient_row_cost = 1}, &sink_};
};

at::Tensor Halved(int64_t rows, double start) {
  return at::full({rows, 1, 2, 2}, start, at::kFloat).mul(0.5);
}

TEST_F(OutOfMemoryTest, CallIsHalvedUntilItHasRoom) {
  FailAbove(3);
  Submit("a", 7, 5);
  RunToEnd();
  EXPECT_THAT(denoiser_.batches(),
              ElementsAre(SizeIs(7), SizeIs(3), SizeIs(4), SizeIs(2), SizeIs(2)));
  EXPECT_OK(DoneOf("a").status);
  EXPECT_TRUE(at::equal(DoneOf("a").x, Halved(7, 5)));
}

TEST_F(OutOfMemoryTest, HalvesOfACallOfSeveralJobsReachTheRightOnes) {
  FailAbove(2);
  Submit("a", 3, 1);
  Submit("b", 5, 2);
  Submit("c", 2, 3);
  RunToEnd();
  EXPECT_TRUE(at::equal(DoneOf("a").x, Halved(3, 1)));
  EXPECT_TRUE(at::equal(DoneOf("b").x, Halved(5, 2)));
  EXPECT_TRUE(at::equal(DoneOf("c").x, Halved(2, 3)));
}

TEST_F(OutOfMemoryTest, GradientsOfHalvesReachTheRightRows) {
  FailAbove(2);
  ASSERT_OK(engine_.Submit(
      {"a", std::make_unique<FakeGuidedMethod>(7, 1, 0.0, 2.0), &denoiser_, "a", 1}));
  RunToEnd();
  const at::Tensor gradient = at::arange(1, 8).to(at::kFloat).view({-1, 1, 1, 1});
  EXPECT_TRUE(at::equal(DoneOf("a").x, gradient.neg().expand({7, 1, 2, 2})));
}

TEST_F(OutOfMemoryTest, OnlyAJobWhoseRowHasNoRoomAloneFails) {
  FailAbove(4, 100);
  Submit("good", 5, 1, 3);
  Submit("huge", 6, 1000, 3);
  Submit("fine", 3, 2, 3);
  RunToEnd();
  const absl::Status status = DoneOf("huge").status;
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kResourceExhausted,
                               HasSubstr("the network call ran out of memory")));
  EXPECT_THAT(ReasonOf(status), Optional(std::string("OUT_OF_MEMORY")));
  EXPECT_OK(DoneOf("good").status);
  EXPECT_OK(DoneOf("fine").status);
}

TEST_F(OutOfMemoryTest, RowsOfAJobThatHasFailedAreNotTriedAgain) {
  FailAbove(1, 100);
  Submit("huge", 8, 1000);
  RunToEnd();
  EXPECT_THAT(denoiser_.batches(), ElementsAre(SizeIs(8), SizeIs(4), SizeIs(2), SizeIs(1)));
}

TEST_F(OutOfMemoryTest, OtherFailureInAHalfFailsOnlyItsJob) {
  denoiser_.FailIf([](const DenoiserInput& input) -> bool {
    if (input.x.size(0) > 4) throw std::bad_alloc();
    return input.x.max().item<float>() > 100;
  });
  Submit("bad", 3, 1000);
  Submit("good", 3, 1);
  RunToEnd();
  EXPECT_THAT(DoneOf("bad").status,
              StatusIs(absl::StatusCode::kInternal, HasSubstr("this call fails")));
  EXPECT_THAT(ReasonOf(DoneOf("bad").status), testing::Eq(std::nullopt));
  EXPECT_TRUE(at::equal(DoneOf("good").x, Halved(3, 1)));
}

// What c10's own CPU allocator says when it is asked for too much.
TEST_F(OutOfMemoryTest, CpuAllocatorsRefusalIsLackOfMemory) {
  denoiser_.FailIf([](const DenoiserInput& input) {
    return input.x.size(0) > 1 && at::empty({int64_t{1} << 60}, at::kByte).defined();
  });
  Submit("a", 4, 1);
  RunToEnd();
  EXPECT_THAT(denoiser_.batches(), SizeIs(7));
  EXPECT_OK(DoneOf("a").status);
}

template <typename E>
absl::Status FailureOf(const E& exception) {
  try {
    throw exception;
  } catch (const std::exception&) {
    return CaughtFailure("the test");
  }
}

TEST(CallFailureTest, DeviceAllocatorsRefusalIsLackOfMemory) {
  EXPECT_TRUE(IsOutOfMemory(FailureOf(c10::OutOfMemoryError({}, "CUDA: no room"))));
  EXPECT_TRUE(IsOutOfMemory(FailureOf(c10::Error({}, "CUDA error: out of memory"))));
  EXPECT_TRUE(IsOutOfMemory(FailureOf(c10::AcceleratorError({}, 2, "CUDA error: out of memory"))));
  EXPECT_TRUE(IsOutOfMemory(FailureOf(c10::Error({}, "CUBLAS_STATUS_ALLOC_FAILED when calling"))));
  EXPECT_TRUE(IsOutOfMemory(
      FailureOf(c10::Error({}, "CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED"))));
}

TEST(CallFailureTest, ErrorsOfTheCudaRuntimeAreTheDevices) {
  const absl::Status lost =
      FailureOf(c10::Error({}, "CUDA error: an illegal memory access was encountered"));
  EXPECT_TRUE(IsDeviceLost(lost));
  EXPECT_THAT(lost, StatusIs(absl::StatusCode::kInternal, HasSubstr("illegal memory access")));
  EXPECT_TRUE(IsDeviceLost(FailureOf(c10::AcceleratorError({}, 700, "an illegal address"))));
  EXPECT_TRUE(IsDeviceLost(FailureOf(c10::Error({}, "CUDA driver error: unknown error"))));
  EXPECT_TRUE(
      IsDeviceLost(FailureOf(c10::Error({}, "cuDNN error: CUDNN_STATUS_EXECUTION_FAILED"))));
  EXPECT_FALSE(IsDeviceLost(FailureOf(c10::Error({}, "cuDNN error: CUDNN_STATUS_BAD_PARAM"))));
  EXPECT_FALSE(IsDeviceLost(FailureOf(c10::Error({}, "CUDA error: out of memory"))));
  EXPECT_FALSE(IsDeviceLost(FailureOf(c10::AcceleratorError({}, 2, "CUDA error: out of memory"))));
  EXPECT_FALSE(IsDeviceLost(FailureOf(c10::Error({}, "shapes do not fit"))));
}

TEST(CallFailureTest, OtherExceptionsAreInternalAndHaveNoReason) {
  const absl::Status status = FailureOf(c10::Error({}, "shapes do not fit"));
  EXPECT_THAT(status,
              StatusIs(absl::StatusCode::kInternal, HasSubstr("the test failed: shapes do not")));
  EXPECT_FALSE(IsOutOfMemory(status));
}

}  // namespace
}  // namespace tweedie
