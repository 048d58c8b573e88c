#include "server/runner/device.h"

#include <ATen/ATen.h>
#include <ATen/Context.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "core/plan/ops/bfloat16_cpu.h"
#include "server/runner/tensor_memory.h"
#include "tests/testing/status_matchers.h"

namespace tweedie {
namespace {

using ::testing::HasSubstr;

TEST(CheckDeviceTest, TheCpuHasFloat32AndMayHaveBfloat16) {
  DeviceOptions options;
  EXPECT_OK(CheckDevice(options));
  options.precision = Precision::kBfloat16;
  EXPECT_EQ(CheckDevice(options), plan::CheckBfloat16Cpu());
  for (const Precision precision : {Precision::kTf32, Precision::kFloat16}) {
    options.precision = precision;
    EXPECT_THAT(CheckDevice(options),
                StatusIs(absl::StatusCode::kFailedPrecondition,
                         HasSubstr("precision " + std::string(PrecisionName(precision)))));
  }
}

bool MayTakeTf32(at::Float32Op op) {
  return at::globalContext().float32Precision(at::Float32Backend::CUDA, op) ==
         at::Float32Precision::TF32;
}

// cuDNN takes it by default.
TEST(SetKernelsTest, Tf32IsTakenWhenAskedForAndNeverElse) {
  DeviceOptions options;
  for (const Precision precision : {Precision::kTf32, Precision::kFloat32, Precision::kTf32,
                                    Precision::kBfloat16, Precision::kFloat16}) {
    options.precision = precision;
    SetKernels(options);
    EXPECT_EQ(MayTakeTf32(at::Float32Op::MATMUL), precision == Precision::kTf32);
    EXPECT_EQ(MayTakeTf32(at::Float32Op::CONV), precision == Precision::kTf32);
  }
}

TEST(DeviceTensorBytesTest, OfADeviceThatDoesNotCountIsAnError) {
  EXPECT_THAT(DeviceTensorBytes(at::kCPU), StatusIs(absl::StatusCode::kInternal, HasSubstr("CPU")));
  if (at::hasCUDA()) GTEST_SKIP() << "there is a GPU";
  EXPECT_THAT(DeviceTensorBytes(at::Device(at::kCUDA, 0)),
              StatusIs(absl::StatusCode::kInternal, HasSubstr("")));
}

}  // namespace
}  // namespace tweedie
