#include "core/diffusion/precision.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/testing/status_matchers.h"

namespace tweedie {
namespace {

TEST(PrecisionTest, NamesAreReadAsTheyAreWritten) {
  for (const Precision precision :
       {Precision::kFloat32, Precision::kTf32, Precision::kBfloat16, Precision::kFloat16}) {
    ASSERT_OK_AND_ASSIGN(const Precision read, ParsePrecision(PrecisionName(precision)));
    EXPECT_EQ(read, precision);
  }
  EXPECT_EQ(PrecisionName(Precision::kBfloat16), "bfloat16");
  for (const char* wrong : {"", "bf16", "Float32", "float"}) {
    EXPECT_THAT(ParsePrecision(wrong), StatusIs(absl::StatusCode::kInvalidArgument,
                                                testing::HasSubstr("bfloat16 or float16; was")));
  }
}

}  // namespace
}  // namespace tweedie
