#include "server/convert/measurement_proto.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>

#include <string>
#include <variant>

#include "tests/testing/status_matchers.h"
#include "tests/unit/convert/equals_proto.h"
#include "tests/unit/convert/measured_requests.h"

namespace tweedie {
namespace {

using ::testing::HasSubstr;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
constexpr ImageShape3 kImage = {1, 32, 32};
constexpr int kMostImages = 3;

absl::StatusOr<MeasurementSpec> ReadAll(const v1::Measurement& proto) {
  absl::StatusOr<MeasurementSpec> spec = ReadMeasurement(proto);
  if (!spec.ok()) return spec;
  const absl::Status tensors = ReadMeasurementTensors(proto, kImage, kMostImages, &*spec);
  if (!tensors.ok()) return tensors;
  return spec;
}

void ExpectRefused(const v1::Measurement& proto, const char* field, const char* message) {
  SCOPED_TRACE(field);
  const auto spec = ReadAll(proto);
  EXPECT_THAT(spec, StatusIs(kInvalid, HasSubstr(message)));
  EXPECT_EQ(FieldOf(spec.status()).value_or("(none)"), field);
}

v1::Measurement IdentityOfY(const std::vector<int64_t>& shape) {
  v1::Measurement proto;
  proto.mutable_forward_operator()->mutable_identity();
  *proto.mutable_y() = Filled(shape, 0.25);
  return proto;
}

TEST(MeasurementProtoTest, CleanImagesAreRead) {
  ASSERT_OK_AND_ASSIGN(const MeasurementSpec spec, ReadAll(BoxMeasurement(2)));
  EXPECT_EQ(std::get<GaussianNoise>(spec.noise).sigma, 0.05);
  EXPECT_EQ(spec.simulate_from.size(0), 2);
  EXPECT_FALSE(spec.y.defined());
}

TEST(MeasurementProtoTest, MeasuredValuesAreRead) {
  ASSERT_OK_AND_ASSIGN(const MeasurementSpec spec, ReadAll(IdentityOfY({3, 1, 32, 32})));
  EXPECT_TRUE(std::holds_alternative<std::monostate>(spec.noise));
  EXPECT_TRUE(spec.y.equal(at::full({3, 1, 32, 32}, 0.25F)));
  EXPECT_FALSE(spec.simulate_from.defined());
}

TEST(MeasurementProtoTest, NoisesAreRead) {
  v1::Measurement proto = IdentityOfY({1, 1, 32, 32});
  proto.mutable_noise();
  ASSERT_OK_AND_ASSIGN(const MeasurementSpec none, ReadAll(proto));
  EXPECT_TRUE(std::holds_alternative<std::monostate>(none.noise));
  proto.mutable_noise()->mutable_poisson()->set_rate(20);
  ASSERT_OK_AND_ASSIGN(const MeasurementSpec poisson, ReadAll(proto));
  EXPECT_EQ(std::get<PoissonNoise>(poisson.noise).rate, 20);
  proto.mutable_noise()->set_gaussian_sigma(0);  // set, to none
  ASSERT_OK_AND_ASSIGN(const MeasurementSpec gaussian, ReadAll(proto));
  EXPECT_EQ(std::get<GaussianNoise>(gaussian.noise).sigma, 0);
}

TEST(MeasurementProtoTest, WritingLeavesTheTensorsOutAndTellsWhichThereAre) {
  v1::Measurement proto = BoxMeasurement(2);
  *proto.mutable_forward_operator()->mutable_inpainting()->mutable_mask() = Filled({32, 32}, 1);
  ASSERT_OK_AND_ASSIGN(const MeasurementSpec simulated, ReadAll(proto));
  proto.mutable_forward_operator()->mutable_inpainting()->mutable_mask()->Clear();
  proto.mutable_simulate_from()->Clear();
  EXPECT_THAT(WriteMeasurement(simulated), EqualsProto(proto));
  ASSERT_OK_AND_ASSIGN(const MeasurementSpec given, ReadAll(IdentityOfY({1, 1, 32, 32})));
  const v1::Measurement written = WriteMeasurement(given);
  EXPECT_TRUE(written.has_y());
  EXPECT_EQ(written.y().ByteSizeLong(), 0U);
  EXPECT_FALSE(written.has_noise());
  ASSERT_OK(ReadMeasurement(written));
}

TEST(MeasurementProtoTest, ClaimedCountsNeedNoTensors) {
  EXPECT_EQ(CountMeasurements(BoxMeasurement(7)).count, 7);
  EXPECT_STREQ(CountMeasurements(BoxMeasurement(7)).field, "simulate_from");
  v1::Measurement proto;
  proto.mutable_y()->add_shape(int64_t{1} << 60);
  EXPECT_EQ(CountMeasurements(proto).count, int64_t{1} << 60);
  EXPECT_STREQ(CountMeasurements(proto).field, "y");
  proto.mutable_y()->clear_shape();
  EXPECT_EQ(CountMeasurements(proto).count, 0);
}

TEST(MeasurementProtoTest, WhatIsMissingOrMalformedIsRefusedByItsField) {
  v1::Measurement proto = BoxMeasurement();
  proto.clear_forward_operator();
  ExpectRefused(proto, "forward_operator", "is required");
  proto.mutable_forward_operator();
  ExpectRefused(proto, "forward_operator.kind", "is required");
  proto = BoxMeasurement();
  proto.clear_source();
  ExpectRefused(proto, "source", "is required: `y` or `simulate_from`");
  proto.mutable_simulate_from();
  ExpectRefused(proto, "simulate_from.content", "is required");
  *proto.mutable_simulate_from() = FloatImages(kMostImages + 1);
  ExpectRefused(proto, "simulate_from.tensor.shape", "at most 3 images; was 4");
  *proto.mutable_simulate_from() = FloatImages(1);
  proto.mutable_simulate_from()->mutable_tensor()->set_shape(1, 2);
  ExpectRefused(proto, "simulate_from.tensor.shape", "must be [N, 1, 32, 32]");
  *proto.mutable_forward_operator()->mutable_inpainting()->mutable_mask() = Filled({7}, 1);
  ExpectRefused(proto, "forward_operator.inpainting.mask.shape", "broadcastable");
}

TEST(MeasurementProtoTest, MalformedMeasuredValuesAreRefusedByTheirField) {
  v1::Measurement proto = IdentityOfY({1, 1, 32, 32});
  proto.mutable_y()->mutable_data()->pop_back();
  ExpectRefused(proto, "y.data", "must be 4096 bytes");
  proto = IdentityOfY({1, 1, 32, 32});
  proto.mutable_y()->clear_data_type();
  ExpectRefused(proto, "y.data_type", "is required");
  ExpectRefused(IdentityOfY({1024}), "y.shape", "must have 2 to 5 dimensions");
  ExpectRefused(IdentityOfY({4, 1, 32, 32}), "y.shape", "at most 3 measurements; was 4");
  proto = IdentityOfY({1, 1, 32, 32});
  proto.mutable_y()->set_data(std::string(4096, '\xff'));  // NaN
  ExpectRefused(proto, "y.data", "must be finite");
}

TEST(MeasurementProtoTest, BytesServeOnlyWhereYHasTheRangeOfImages) {
  v1::Measurement proto = IdentityOfY({1, 1, 32, 32});
  proto.mutable_y()->set_data_type(v1::Tensor::UINT8);
  proto.mutable_y()->set_data(std::string(1024, '\xff'));
  ASSERT_OK_AND_ASSIGN(const MeasurementSpec spec, ReadAll(proto));
  EXPECT_TRUE(spec.y.eq(1).all().item<bool>());
  proto.mutable_forward_operator()->mutable_tomography()->set_num_angles(9);
  ExpectRefused(proto, "y.data_type",
                "must be FLOAT32, as y of tomography has not the range of images; was UINT8");
}

}  // namespace
}  // namespace tweedie
