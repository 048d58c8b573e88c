#include "server/convert/job_proto.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>

#include <cstring>
#include <string>
#include <vector>

#include "core/base/field_error.h"
#include "server/convert/stored_job.h"
#include "tests/testing/status_matchers.h"

namespace tweedie {
namespace {

using ::testing::HasSubstr;

JobRecord SomeRecord() {
  v1::Job spec;
  spec.set_model("models/m");
  spec.set_priority(v1::Job::BATCH);
  spec.set_seed(5);
  (*spec.mutable_labels())["k"] = "v";
  spec.mutable_sample()->mutable_process()->set_num_steps(50);
  JobRecord record;
  record.id = "abcd";
  record.model = "m";
  record.creator = "ada";
  record.spec = spec.SerializeAsString();
  record.num_images = 4;
  record.progress.num_steps = 50;
  return record;
}

TEST(JobToProtoTest, QueuedJobHasNoHistory) {
  const v1::Job job = ToProto(SomeRecord());
  EXPECT_EQ(job.name(), "jobs/abcd");
  EXPECT_EQ(job.model(), "models/m");
  EXPECT_EQ(job.state(), v1::Job::QUEUED);
  EXPECT_EQ(job.priority(), v1::Job::BATCH);
  EXPECT_EQ(job.labels().at("k"), "v");
  EXPECT_EQ(job.seed(), 5U);
  EXPECT_EQ(job.num_images(), 4);
  EXPECT_EQ(job.creator(), "ada");
  EXPECT_EQ(job.progress().num_steps(), 50);
  EXPECT_EQ(job.progress().step(), 0);
  EXPECT_FALSE(job.has_error() || job.has_create_time() || job.has_start_time() ||
               job.has_end_time() || job.has_expire_time());
}

TEST(JobToProtoTest, ColumnsBecomeOutputOnlyFields) {
  JobRecord record = SomeRecord();
  record.state = JobState::kRunning;
  record.attempt = 3;
  record.crashes = 2;
  record.server = "s1";
  record.device = "cpu";
  record.progress = {17, 49, 660};
  record.create_time = absl::FromUnixNanos(1'700'000'000'123'456'789);
  record.start_time = absl::FromUnixSeconds(7);
  record.end_time = absl::FromUnixNanos(-1);
  record.expire_time = absl::FromUnixSeconds(9);
  const v1::Job job = ToProto(record);
  EXPECT_EQ(job.state(), v1::Job::RUNNING);
  EXPECT_EQ(job.attempt(), 3);
  EXPECT_EQ(job.crashes(), 2);
  EXPECT_EQ(job.server(), "s1");
  EXPECT_EQ(job.device(), "cpu");
  EXPECT_EQ(job.progress().step(), 17);
  EXPECT_EQ(job.progress().num_steps(), 49);
  EXPECT_EQ(job.progress().timestep(), 660);
  EXPECT_EQ(job.create_time().seconds(), 1'700'000'000);
  EXPECT_EQ(job.create_time().nanos(), 123'456'789);
  EXPECT_EQ(job.start_time().seconds(), 7);
  EXPECT_EQ(job.end_time().seconds(), -1);
  EXPECT_EQ(job.end_time().nanos(), 999'999'999);
  EXPECT_EQ(job.expire_time().seconds(), 9);
}

TEST(JobToProtoTest, ErrorOnlyOfFailedJobs) {
  JobRecord record = SomeRecord();
  record.failure = JobFailure{absl::StatusCode::kInternal, "x is NaN", "DIVERGED"};
  EXPECT_FALSE(ToProto(record).has_error());
  record.state = JobState::kFailed;
  const v1::Job job = ToProto(record);
  EXPECT_EQ(job.error().code(), 13);
  EXPECT_EQ(job.error().message(), "x is NaN");
  EXPECT_EQ(job.error().reason(), "DIVERGED");
}

TEST(JobToProtoTest, MetricsComeFromTheOutcome) {
  std::vector<v1::ImageMetrics> metrics(2);
  metrics[0].set_psnr(21.25);
  metrics[1].set_ssim(0);
  JobRecord record = SomeRecord();
  record.outcome = WriteOutcome(metrics, "c0ffee");
  const v1::Job job = ToProto(record);
  ASSERT_EQ(job.metrics_size(), 2);
  EXPECT_EQ(job.metrics(0).psnr(), 21.25);
  EXPECT_FALSE(job.metrics(0).has_ssim());
  EXPECT_TRUE(job.metrics(1).has_ssim());
  EXPECT_EQ(WriteOutcome({}, ""), "");
  EXPECT_EQ(ToProto(SomeRecord()).metrics_size(), 0);
}

TEST(JobToProtoTest, DamagedSpecStillShowsTheColumns) {
  JobRecord record = SomeRecord();
  record.spec = "\xff\xff";
  const v1::Job job = ToProto(record);
  EXPECT_EQ(job.name(), "jobs/abcd");
  EXPECT_EQ(job.model(), "models/m");
  EXPECT_EQ(job.task_case(), v1::Job::TASK_NOT_SET);
}

class ResultReaderTest : public ::testing::Test {
 protected:
  const at::Tensor images_ =
      at::arange(3 * 2 * 2 * 5, at::kFloat).div(30).sub(1).view({3, 2, 2, 5});
};

TEST_F(ResultReaderTest, ReadsEachImageExactly) {
  ASSERT_OK_AND_ASSIGN(const ResultReader reader, ResultReader::Open(WriteResult(images_)));
  ASSERT_EQ(reader.num_images(), 3);
  for (int i = 0; i < 3; ++i) {
    ASSERT_OK_AND_ASSIGN(const v1::Images image, reader.Image(i, v1::IMAGE_FORMAT_TENSOR_FLOAT32));
    EXPECT_THAT(image.tensor().shape(), ::testing::ElementsAre(2, 2, 5));
    const at::Tensor expected = images_[i].contiguous();
    ASSERT_EQ(image.tensor().data().size(), expected.nbytes());
    EXPECT_EQ(
        std::memcmp(image.tensor().data().data(), expected.const_data_ptr(), expected.nbytes()), 0);
  }
}

TEST_F(ResultReaderTest, WritesEachFormat) {
  const at::Tensor grey = at::zeros({1, 1, 4, 4});
  ASSERT_OK_AND_ASSIGN(const ResultReader reader, ResultReader::Open(WriteResult(grey)));
  ASSERT_OK_AND_ASSIGN(const v1::Images png, reader.Image(0, v1::IMAGE_FORMAT_PNG));
  EXPECT_EQ(png.encoded().files_size(), 1);
  ASSERT_OK_AND_ASSIGN(const v1::Images bytes, reader.Image(0, v1::IMAGE_FORMAT_TENSOR_UINT8));
  EXPECT_EQ(bytes.tensor().data(), std::string(16, '\x80'));
}

TEST_F(ResultReaderTest, RefusesWhatItCannotGive) {
  ASSERT_OK_AND_ASSIGN(const ResultReader reader, ResultReader::Open(WriteResult(images_)));
  const auto kFloat = v1::IMAGE_FORMAT_TENSOR_FLOAT32;
  EXPECT_THAT(reader.Image(3, kFloat),
              StatusIs(absl::StatusCode::kOutOfRange, HasSubstr("image 3 of a result of 3")));
  EXPECT_THAT(reader.Image(-1, kFloat), StatusIs(absl::StatusCode::kOutOfRange, HasSubstr("-1")));
  const auto unknown = reader.Image(0, static_cast<v1::ImageFormat>(8));
  EXPECT_THAT(unknown, StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("was 8")));
  EXPECT_EQ(FieldOf(unknown.status()), "format");
  EXPECT_THAT(reader.Image(0, v1::IMAGE_FORMAT_PNG),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("cannot hold 2 channels")));
}

TEST_F(ResultReaderTest, MalformedResultIsDataLoss) {
  const auto expect_refused = [](const std::string& bytes) {
    EXPECT_THAT(ResultReader::Open(bytes),
                StatusIs(absl::StatusCode::kDataLoss, HasSubstr("malformed result")));
  };
  const std::string good = WriteResult(images_);
  expect_refused("");
  expect_refused(good.substr(0, good.size() - 1));
  expect_refused(good + "x");
  expect_refused(WriteResult(images_.to(at::kDouble)));
  expect_refused(WriteResult(images_[0]));
  expect_refused(SerializeSafetensors({{{"other", images_}}, {}}));
  expect_refused(SerializeSafetensors({{{"images", images_}, {"more", images_}}, {}}));
}

}  // namespace
}  // namespace tweedie
