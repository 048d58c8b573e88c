#include "server/convert/tensor_proto.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>

#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "core/base/field_error.h"
#include "tests/testing/status_matchers.h"

namespace tweedie {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
constexpr TensorRule kAny = {1, 5, /*bytes=*/true};

v1::Tensor Floats(const std::vector<int64_t>& shape, const std::vector<float>& values) {
  v1::Tensor tensor;
  tensor.set_data_type(v1::Tensor::FLOAT32);
  for (const int64_t size : shape) tensor.add_shape(size);
  tensor.set_data(values.data(), values.size() * sizeof(float));
  return tensor;
}

void ExpectRefused(const v1::Tensor& tensor, const char* field, const char* message,
                   const TensorRule& rule = kAny) {
  const auto read = ReadTensor(tensor, rule);
  EXPECT_THAT(read, StatusIs(kInvalid, HasSubstr(message)));
  EXPECT_EQ(FieldOf(read.status()).value_or("(none)"), field);
}

TEST(ReadTensorTest, FloatsComeAsTheyAre) {
  const float tiny = std::numeric_limits<float>::denorm_min();
  ASSERT_OK_AND_ASSIGN(const at::Tensor read,
                       ReadTensor(Floats({2, 1, 2}, {-0.0F, tiny, 3e38F, -7}), kAny));
  EXPECT_THAT(read.sizes(), ElementsAre(2, 1, 2));
  const float expected[] = {-0.0F, tiny, 3e38F, -7};
  EXPECT_EQ(std::memcmp(read.const_data_ptr(), expected, sizeof(expected)), 0);
}

TEST(ReadTensorTest, BytesStandForMinusOneToOne) {
  v1::Tensor tensor;
  tensor.set_data_type(v1::Tensor::UINT8);
  tensor.add_shape(3);
  tensor.set_data(std::string("\x00\x80\xff", 3));
  ASSERT_OK_AND_ASSIGN(const at::Tensor read, ReadTensor(tensor, kAny));
  EXPECT_TRUE(read.equal(at::tensor({-1.0F, static_cast<float>(128 / 127.5 - 1), 1.0F})));
}

TEST(ReadTensorTest, BytesAreRefusedWhereTheySayNothing) {
  v1::Tensor tensor = Floats({1}, {1});
  tensor.set_data_type(v1::Tensor::UINT8);
  ExpectRefused(tensor, "data_type", "must be FLOAT32 (UINT8 stands for [-1, 1]); was UINT8",
                {1, 4, /*bytes=*/false});
}

TEST(ReadTensorTest, UnknownTypesAreRefused) {
  v1::Tensor tensor = Floats({1}, {1});
  tensor.clear_data_type();
  ExpectRefused(tensor, "data_type", "is required: FLOAT32 or UINT8");
  tensor.set_data_type(static_cast<v1::Tensor::DataType>(9));
  ExpectRefused(tensor, "data_type", "must be FLOAT32 or UINT8; was 9");
}

TEST(ReadTensorTest, RankMustBeThatOfTheRule) {
  ExpectRefused(Floats({1, 1, 1}, {1}), "shape", "must have 2 dimensions; was [1, 1, 1]",
                {2, 2, false});
  ExpectRefused(Floats({1}, {1}), "shape", "must have 2 to 5 dimensions; was [1]", {2, 5, false});
  ExpectRefused(Floats({}, {1}), "shape", "was []");
  ExpectRefused(Floats(std::vector<int64_t>(1000, 1), {1}), "shape", ", ...]");
}

TEST(ReadTensorTest, SizesMustBePositive) {
  ExpectRefused(Floats({2, 0}, {}), "shape", "sizes of at least 1; was [2, 0]");
  ExpectRefused(Floats({-2, -2}, {1, 2, 3, 4}), "shape", "was [-2, -2]");
}

TEST(ReadTensorTest, LengthMustBeWhatTheShapeSays) {
  ExpectRefused(Floats({3}, {1, 2}), "data", "must be 12 bytes, as the shape [3] says; was 8");
  ExpectRefused(Floats({1}, {1, 2}), "data", "must be 4 bytes");
}

// No memory is taken for what is not there.
TEST(ReadTensorTest, HugeShapesAreRefusedByTheirLength) {
  const int64_t largest = std::numeric_limits<int64_t>::max();
  ExpectRefused(Floats({int64_t{1} << 40}, {1}), "data", "must be 4398046511104 bytes");
  ExpectRefused(Floats({largest}, {1}), "data", "over 2^63");
  // The product is 0 modulo 2^64.
  ExpectRefused(Floats({int64_t{1} << 32, int64_t{1} << 32}, {}), "data", "over 2^63");
}

TEST(ReadTensorTest, ValuesMustBeFinite) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float inf = std::numeric_limits<float>::infinity();
  ExpectRefused(Floats({3}, {0, 1, nan}), "data", "must be finite; element 2 is nan");
  ExpectRefused(Floats({2}, {-inf, 1}), "data", "must be finite; element 0 is -inf");
}

TEST(CheckBroadcastableTest, ShapeMayLackOrShareDimensions) {
  const std::vector<int64_t> target = {4, 3, 32, 16};
  for (const std::vector<int64_t>& shape : std::vector<std::vector<int64_t>>{
           {4, 3, 32, 16}, {1, 3, 32, 16}, {32, 16}, {32, 1}, {16}, {1}, {3, 1, 1}}) {
    EXPECT_OK(CheckBroadcastable(Floats(shape, {}), target));
  }
  for (const std::vector<int64_t>& shape : std::vector<std::vector<int64_t>>{
           {2, 3, 32, 16}, {16, 32}, {32}, {4}, {1, 4, 3, 32, 16}, {4, 32, 16}}) {
    const absl::Status checked = CheckBroadcastable(Floats(shape, {}), target);
    EXPECT_THAT(checked, StatusIs(kInvalid, HasSubstr("broadcastable to [4, 3, 32, 16]")));
    EXPECT_EQ(FieldOf(checked), "shape");
  }
}

TEST(WriteTensorTest, ReadingGivesTheSameBits) {
  const at::Tensor tensor = at::arange(24, at::kFloat).div(7).view({2, 3, 4}).transpose(0, 1);
  const v1::Tensor proto = WriteTensor(tensor, v1::Tensor::FLOAT32);
  EXPECT_THAT(proto.shape(), ElementsAre(3, 2, 4));
  ASSERT_OK_AND_ASSIGN(const at::Tensor read, ReadTensor(proto, kAny));
  EXPECT_TRUE(read.equal(tensor));
}

}  // namespace
}  // namespace tweedie
