#include "server/convert/measurement_reader.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>

#include <cmath>

#include "imaging/image.h"
#include "server/convert/images_proto.h"
#include "server/convert/tensor_proto.h"
#include "tests/testing/status_matchers.h"
#include "tests/unit/convert/measured_requests.h"

namespace tweedie {
namespace {

using ::testing::HasSubstr;

class MeasurementReaderTest : public PrepareJobTest {
 protected:
  static absl::StatusOr<MeasurementReader> Open(v1::CreateJobRequest request) {
    request.mutable_job()->set_seed(3);
    absl::StatusOr<PreparedJob> prepared = Prepare(request);
    if (!prepared.ok()) return prepared.status();
    TensorFile input;
    if (!prepared->input.empty()) {
      absl::StatusOr<TensorFile> parsed = ParseSafetensors(prepared->input);
      if (!parsed.ok()) return parsed.status();
      input = *std::move(parsed);
    }
    return MeasurementReader::Open(prepared->new_job.record, input,
                                   *models_->Find("fashion-mnist-32")->model->diffusion);
  }
  static at::Tensor MustReadY(const v1::ReadJobMeasurementResponse& part) {
    const absl::StatusOr<at::Tensor> y = ReadTensor(part.y(), {1, 5, false});
    EXPECT_OK(y);
    return *y;
  }
};

TEST_F(MeasurementReaderTest, GivenValuesComeBackAsTheyWere) {
  v1::CreateJobRequest request = DpsRequest();
  v1::Measurement* measurement = MutableMeasurement(request.mutable_job());
  measurement->mutable_forward_operator()->mutable_identity();
  *measurement->mutable_y() = FloatImages(2).tensor();
  ASSERT_OK_AND_ASSIGN(const MeasurementReader reader, Open(request));
  ASSERT_EQ(reader.size(), 2);
  ASSERT_OK_AND_ASSIGN(const auto part, reader.Part(1));
  EXPECT_EQ(part.index(), 1);
  EXPECT_THAT(part.y().shape(), ::testing::ElementsAre(1, 32, 32));
  EXPECT_EQ(part.y().data(), FloatImages(2).tensor().data().substr(4096));
  ASSERT_OK_AND_ASSIGN(const Image preview, DecodeImage(part.preview_png(), ImageLimits()));
  EXPECT_EQ(preview.width, 32);
}

TEST_F(MeasurementReaderTest, SimulatedValuesAreThoseOfTheJob) {
  ASSERT_OK_AND_ASSIGN(const MeasurementReader reader, Open(DpsRequest(1)));
  ASSERT_OK_AND_ASSIGN(const auto part, reader.Part(0));
  ASSERT_OK_AND_ASSIGN(const auto again, reader.Part(0));
  EXPECT_EQ(part.y().data(), again.y().data());
  const at::Tensor y = MustReadY(part);
  // The box of BoxMeasurement() is missing, and noiseless there.
  EXPECT_TRUE(y.narrow(1, 8, 10).narrow(2, 4, 12).eq(0).all().item<bool>());
  EXPECT_EQ(y.ne(0).sum().item<int64_t>(), 1024 - 120);
}

TEST_F(MeasurementReaderTest, TheTruthIsWhatWasMeasuredOrTheReference) {
  ASSERT_OK_AND_ASSIGN(const MeasurementReader own, Open(DpsRequest(2)));
  ASSERT_OK_AND_ASSIGN(const auto second, own.Part(1));
  ASSERT_OK_AND_ASSIGN(const at::Tensor measured,
                       ReadTensor(FloatImages(2).tensor(), {2, 5, false}));
  ASSERT_OK_AND_ASSIGN(const Image truth, DecodeImage(second.truth_png(), ImageLimits()));
  EXPECT_EQ(truth.width, 32);
  EXPECT_EQ(second.truth_png(),
            WriteImages(measured.narrow(0, 1, 1), v1::IMAGE_FORMAT_PNG).encoded().files(0));
  v1::CreateJobRequest request = DpsRequest(2);
  *request.mutable_job()->mutable_reference() = FloatImages(1);
  ASSERT_OK_AND_ASSIGN(const MeasurementReader given, Open(request));
  ASSERT_OK_AND_ASSIGN(const auto of_reference, given.Part(1));
  EXPECT_EQ(of_reference.truth_png(),
            WriteImages(measured.narrow(0, 0, 1), v1::IMAGE_FORMAT_PNG).encoded().files(0))
      << "one reference serves all";
}

TEST_F(MeasurementReaderTest, WithoutAReferenceThereIsNoTruth) {
  v1::CreateJobRequest request = DpsRequest();
  v1::Measurement* measurement = MutableMeasurement(request.mutable_job());
  measurement->mutable_forward_operator()->mutable_identity();
  *measurement->mutable_y() = FloatImages(2).tensor();
  ASSERT_OK_AND_ASSIGN(const MeasurementReader reader, Open(request));
  ASSERT_OK_AND_ASSIGN(const auto part, reader.Part(0));
  EXPECT_EQ(part.truth_png(), "");
}

TEST_F(MeasurementReaderTest, SmallerMeasurementsHaveSmallerPictures) {
  v1::CreateJobRequest request = DpsRequest(1);
  MutableMeasurement(request.mutable_job())
      ->mutable_forward_operator()
      ->mutable_super_resolution()
      ->set_factor(4);
  ASSERT_OK_AND_ASSIGN(const MeasurementReader reader, Open(request));
  ASSERT_OK_AND_ASSIGN(const auto part, reader.Part(0));
  EXPECT_THAT(part.y().shape(), ::testing::ElementsAre(1, 8, 8));
  ASSERT_OK_AND_ASSIGN(const Image preview, DecodeImage(part.preview_png(), ImageLimits()));
  EXPECT_EQ(preview.width, 8);
}

// Values of a smooth image of 32x32.
std::vector<float> SmoothPixels() {
  std::vector<float> pixels;
  for (int i = 0; i < 1024; ++i) {
    pixels.push_back(static_cast<float>(0.8 * std::sin(0.2 * (i / 32)) * std::sin(0.2 * (i % 32))));
  }
  return pixels;
}

// DPS of that image, measured without noise; the operator is to be set.
v1::CreateJobRequest SmoothRequest() {
  v1::CreateJobRequest request = DpsRequest(1);
  v1::Measurement* measurement = MutableMeasurement(request.mutable_job());
  measurement->clear_noise();
  *measurement->mutable_simulate_from() = FloatImages(1);
  const std::vector<float> pixels = SmoothPixels();
  measurement->mutable_simulate_from()->mutable_tensor()->set_data(pixels.data(), 4096);
  return request;
}

// How far a picture is from that image on average, in grey levels.
double MeanDistance(const Image& picture) {
  const std::vector<float> pixels = SmoothPixels();
  double sum = 0;
  for (size_t i = 0; i < 1024; ++i) sum += std::abs(picture.pixels[i] - (pixels[i] + 1) * 127.5);
  return sum / 1024;
}

// It is shown as it is to within a grey level or two.
TEST_F(MeasurementReaderTest, WhatIsNoImageIsShownReconstructed) {
  v1::CreateJobRequest request = SmoothRequest();
  v1::Operator* A = MutableMeasurement(request.mutable_job())->mutable_forward_operator();
  *A->mutable_mri()->mutable_mask() = Filled({1}, 1);
  ASSERT_OK_AND_ASSIGN(const MeasurementReader reader, Open(request));
  ASSERT_OK_AND_ASSIGN(const auto part, reader.Part(0));
  EXPECT_THAT(part.y().shape(), ::testing::ElementsAre(1, 32, 32, 2));
  ASSERT_OK_AND_ASSIGN(const Image preview, DecodeImage(part.preview_png(), ImageLimits()));
  const std::vector<float> pixels = SmoothPixels();
  for (size_t i = 0; i < 1024; ++i) {
    EXPECT_NEAR(preview.pixels[i], (pixels[i] + 1) * 127.5, 1.0) << i;
  }
}

TEST_F(MeasurementReaderTest, ProjectionsAreShownBackProjected) {
  v1::CreateJobRequest request = SmoothRequest();
  v1::Operator* A = MutableMeasurement(request.mutable_job())->mutable_forward_operator();
  A->mutable_tomography()->set_num_angles(60);
  ASSERT_OK_AND_ASSIGN(const MeasurementReader reader, Open(request));
  ASSERT_OK_AND_ASSIGN(const auto part, reader.Part(0));
  ASSERT_OK_AND_ASSIGN(const Image preview, DecodeImage(part.preview_png(), ImageLimits()));
  EXPECT_LT(MeanDistance(preview), 12);
}

TEST_F(MeasurementReaderTest, PhasesHaveNoPicture) {
  v1::CreateJobRequest request = DpsRequest(1);
  MutableMeasurement(request.mutable_job())->mutable_forward_operator()->mutable_phase_retrieval();
  ASSERT_OK_AND_ASSIGN(const MeasurementReader reader, Open(request));
  ASSERT_OK_AND_ASSIGN(const auto part, reader.Part(0));
  EXPECT_EQ(part.preview_png(), "");
  EXPECT_GT(part.y().data().size(), 4096U);
}

TEST_F(MeasurementReaderTest, TasksWithoutOneAreRefused) {
  EXPECT_THAT(Open(SampleRequest()),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("has no measurement")));
  v1::CreateJobRequest request = SampleRequest();
  *request.mutable_job()->mutable_sdedit()->mutable_guide() = FloatImages(1);
  EXPECT_THAT(Open(request),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("has no measurement")));
}

}  // namespace
}  // namespace tweedie
