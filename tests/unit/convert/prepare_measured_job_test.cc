// Tasks with a measurement, and SDEdit, from the request to the store and back.

#include <ATen/ATen.h>
#include <gmock/gmock.h>

#include <string>

#include "core/methods/make_method.h"
#include "core/weights/safetensors.h"
#include "server/convert/job_work.h"
#include "server/convert/prepare_job.h"
#include "server/convert/stored_job.h"
#include "server/convert/task_proto.h"
#include "server/convert/task_tensors.h"
#include "tests/testing/status_matchers.h"
#include "tests/unit/convert/equals_proto.h"
#include "tests/unit/convert/measured_requests.h"

namespace tweedie {
namespace {

using ::testing::HasSubstr;

constexpr auto kDataLoss = absl::StatusCode::kDataLoss;

class PrepareMeasuredJobTest : public PrepareJobTest {
 protected:
  static absl::StatusOr<StoredJob> StoreAndRead(const PreparedJob& prepared) {
    absl::StatusOr<TensorFile> input = ParseSafetensors(prepared.input);
    if (!input.ok()) return input.status();
    return ReadStoredJob(prepared.new_job.record, *input);
  }
  static at::Tensor Images(int count) {
    return at::arange(int64_t{count} * 1024, at::kDouble)
        .to(at::kFloat)
        .div(1000)
        .sub(1)
        .view({count, 1, 32, 32});
  }
  // What is read back is what the request was resolved to, tensors and all.
  static void ExpectSurvives(v1::CreateJobRequest request) {
    request.mutable_job()->set_seed(11);
    const DiffusionModel& model = *models_->Find("fashion-mnist-32")->model->diffusion;
    ASSERT_OK_AND_ASSIGN(JobWork work, ReadJobWork(request.job(), model, {}));
    ASSERT_OK_AND_ASSIGN(const PreparedJob prepared, Prepare(request));
    ASSERT_OK_AND_ASSIGN(StoredJob stored, StoreAndRead(prepared));
    ASSERT_EQ(stored.task.task.index(), work.task.task.index());
    const auto expected = TensorsOf(&work.task.task);
    const auto found = TensorsOf(&stored.task.task);
    ASSERT_EQ(found.size(), expected.size());
    for (size_t i = 0; i < found.size(); ++i) {
      ASSERT_EQ(found[i].tensor->defined(), expected[i].tensor->defined()) << found[i].name;
      if (!found[i].tensor->defined()) continue;
      EXPECT_TRUE(found[i].tensor->equal(*expected[i].tensor)) << found[i].name;
    }
    ASSERT_OK_AND_ASSIGN(const TaskSpec again, ResolveTask(stored.task, model));
    v1::Job spec;
    ASSERT_TRUE(spec.ParseFromString(prepared.new_job.record.spec));
    v1::Job rewritten = spec;
    WriteTask(again, &rewritten);
    EXPECT_THAT(rewritten, EqualsProto(spec));
  }
};

TEST_F(PrepareMeasuredJobTest, EveryTaskSurvivesTheStore) {
  for (const MeasuredTask& task : MeasuredTasks()) {
    SCOPED_TRACE(task.field);
    ExpectSurvives(MeasuredRequest(task));
  }
}

TEST_F(PrepareMeasuredJobTest, EveryTensorSurvivesTheStore) {
  v1::CreateJobRequest request = DpsRequest();
  v1::Measurement* measurement = MutableMeasurement(request.mutable_job());
  *measurement->mutable_forward_operator()->mutable_inpainting()->mutable_mask() =
      Filled({1, 32}, 1);
  ExpectSurvives(request);
  *measurement->mutable_forward_operator()->mutable_blur()->mutable_custom() = Filled({3, 3}, 0.2F);
  ExpectSurvives(request);
  *measurement->mutable_forward_operator()->mutable_mri()->mutable_mask() = Filled({32, 1}, 1);
  ExpectSurvives(request);
  measurement->mutable_forward_operator()->mutable_identity();
  *measurement->mutable_y() = Filled({2, 1, 32, 32}, 0.5);
  ExpectSurvives(request);
  v1::SdeditTask* sdedit = request.mutable_job()->mutable_sdedit();
  *sdedit->mutable_guide() = FloatImages(3);
  ExpectSurvives(request);
  *sdedit->mutable_keep_mask() = Filled({3, 1, 32, 32}, 1);
  ExpectSurvives(request);
}

TEST_F(PrepareMeasuredJobTest, ReportedJobTellsWhichTensorsThereAreAndLeavesThemOut) {
  v1::CreateJobRequest request = DpsRequest();
  *MutableMeasurement(request.mutable_job())
       ->mutable_forward_operator()
       ->mutable_inpainting()
       ->mutable_mask() = Filled({32, 32}, 1);
  ASSERT_OK_AND_ASSIGN(const PreparedJob prepared, Prepare(request));
  EXPECT_LT(prepared.new_job.record.spec.size(), 1000U);
  const v1::Measurement& measurement = prepared.job.dps().measurement();
  EXPECT_TRUE(measurement.has_simulate_from());
  EXPECT_EQ(measurement.simulate_from().ByteSizeLong(), 0U);
  EXPECT_TRUE(measurement.forward_operator().inpainting().has_mask());
  EXPECT_EQ(measurement.forward_operator().inpainting().mask().ByteSizeLong(), 0U);
  EXPECT_EQ(measurement.noise().gaussian_sigma(), 0.05);
}

TEST_F(PrepareMeasuredJobTest, TheServersChoicesAreReported) {
  ASSERT_OK_AND_ASSIGN(const PreparedJob dps, Prepare(DpsRequest()));
  EXPECT_GT(dps.job.dps().zeta(), 0);
  EXPECT_EQ(dps.job.dps().objective(), v1::DpsTask::NORM);
  EXPECT_EQ(dps.job.dps().process().num_steps(), 1000);
  for (const MeasuredTask& task : MeasuredTasks()) {
    SCOPED_TRACE(task.field);
    ASSERT_OK_AND_ASSIGN(const PreparedJob prepared, Prepare(MeasuredRequest(task)));
    EXPECT_GT(prepared.job.progress().num_steps(), 0);
    EXPECT_EQ(prepared.job.samples_per_image(), 1);
  }
  v1::CreateJobRequest tomography = DpsRequest();
  MutableMeasurement(tomography.mutable_job())
      ->mutable_forward_operator()
      ->mutable_tomography()
      ->set_num_angles(10);
  ASSERT_OK_AND_ASSIGN(const PreparedJob ct, Prepare(tomography));
  EXPECT_EQ(ct.job.dps().measurement().forward_operator().tomography().num_detectors(), 46);
  v1::CreateJobRequest mri = DpsRequest();
  v1::Measurement* measurement = MutableMeasurement(mri.mutable_job());
  measurement->mutable_forward_operator()
      ->mutable_mri()
      ->mutable_random_columns()
      ->set_acceleration(16);
  ASSERT_OK_AND_ASSIGN(const PreparedJob columns, Prepare(mri));
  EXPECT_EQ(
      columns.job.dps().measurement().forward_operator().mri().random_columns().center_fraction(),
      2.0 / 32);
}

TEST_F(PrepareMeasuredJobTest, AReportedJobSentAgainIsTheSameWork) {
  for (const MeasuredTask& task : MeasuredTasks()) {
    SCOPED_TRACE(task.field);
    const v1::CreateJobRequest request = MeasuredRequest(task);
    ASSERT_OK_AND_ASSIGN(const PreparedJob first, Prepare(request));
    v1::CreateJobRequest again;
    *again.mutable_job() = first.job;
    *MutableMeasurement(again.mutable_job())->mutable_simulate_from() = FloatImages(2);
    ASSERT_OK_AND_ASSIGN(const PreparedJob second, Prepare(again));
    EXPECT_EQ(second.new_job.record.spec, first.new_job.record.spec);
    EXPECT_EQ(second.input, first.input);
  }
}

// The number that is reported while the job waits is that of the method.
TEST_F(PrepareMeasuredJobTest, StepsAreKnownAtCreation) {
  const auto model = models_->Find("fashion-mnist-32")->model->diffusion;
  const auto expect_steps = [&](const v1::CreateJobRequest& request) {
    ASSERT_OK_AND_ASSIGN(const JobWork work, ReadJobWork(request.job(), *model, {}));
    ASSERT_OK_AND_ASSIGN(const auto method, MakeMethod(work.task, model));
    ASSERT_OK_AND_ASSIGN(const PreparedJob prepared, Prepare(request));
    EXPECT_EQ(prepared.new_job.record.progress.num_steps, method->progress().num_steps);
    EXPECT_EQ(prepared.job.progress().num_steps(), method->progress().num_steps);
  };
  expect_steps(SampleRequest());
  expect_steps(DenoiseRequest());
  for (const MeasuredTask& task : MeasuredTasks()) expect_steps(MeasuredRequest(task));
  v1::CreateJobRequest request = DpsRequest();
  v1::AldTask* ald = request.mutable_job()->mutable_ald();
  *ald->mutable_measurement() = BoxMeasurement();
  ald->set_prior(v1::AldTask::LANGEVIN);
  ald->mutable_process()->set_num_steps(10);
  expect_steps(request);
  v1::DdnmTask* ddnm = request.mutable_job()->mutable_ddnm();
  *ddnm->mutable_measurement() = BoxMeasurement();
  ddnm->set_travel_length(3);
  ddnm->set_travel_repeats(4);
  expect_steps(request);
  v1::SdeditTask* sdedit = request.mutable_job()->mutable_sdedit();
  *sdedit->mutable_guide() = FloatImages(1);
  sdedit->set_num_repeats(3);
  expect_steps(request);
}

TEST_F(PrepareMeasuredJobTest, ResultsAndCostsAreCountedByMeasurement) {
  v1::CreateJobRequest request = DpsRequest(3);
  request.mutable_job()->set_samples_per_image(2);
  ASSERT_OK_AND_ASSIGN(const PreparedJob prepared, Prepare(request));
  EXPECT_EQ(prepared.job.num_images(), 6);
  EXPECT_EQ(prepared.new_job.record.cost_bytes, 6 * 1024 * 4 * 24);
}

// --- Reference ----------------------------------------------------------------

TEST_F(PrepareMeasuredJobTest, ImagesThatAreMeasuredAreTheirOwnReference) {
  v1::CreateJobRequest request = DpsRequest(2);
  request.mutable_job()->set_samples_per_image(2);
  ASSERT_OK_AND_ASSIGN(const PreparedJob prepared, Prepare(request));
  ASSERT_OK_AND_ASSIGN(const StoredJob own, StoreAndRead(prepared));
  EXPECT_TRUE(own.reference.equal(Images(2).repeat_interleave(2, 0)));
  *request.mutable_job()->mutable_reference() = FloatImages(1);
  ASSERT_OK_AND_ASSIGN(const PreparedJob with_reference, Prepare(request));
  ASSERT_OK_AND_ASSIGN(const StoredJob given, StoreAndRead(with_reference));
  EXPECT_TRUE(given.reference.equal(Images(1)));
}

TEST_F(PrepareMeasuredJobTest, GuidesAndMeasuredValuesAreNoReference) {
  v1::CreateJobRequest request = DpsRequest();
  *MutableMeasurement(request.mutable_job())->mutable_y() = Filled({1, 1, 32, 32}, 0);
  ASSERT_OK_AND_ASSIGN(const PreparedJob measured, Prepare(request));
  ASSERT_OK_AND_ASSIGN(const StoredJob dps, StoreAndRead(measured));
  EXPECT_FALSE(dps.reference.defined());
  *request.mutable_job()->mutable_sdedit()->mutable_guide() = FloatImages(1);
  ASSERT_OK_AND_ASSIGN(const PreparedJob guided, Prepare(request));
  ASSERT_OK_AND_ASSIGN(const StoredJob sdedit, StoreAndRead(guided));
  EXPECT_FALSE(sdedit.reference.defined());
}

// --- Damage -------------------------------------------------------------------

TEST_F(PrepareMeasuredJobTest, InputThatDoesNotFitTheSpecIsDataLoss) {
  v1::CreateJobRequest request = DpsRequest();
  *MutableMeasurement(request.mutable_job())
       ->mutable_forward_operator()
       ->mutable_inpainting()
       ->mutable_mask() = Filled({32, 32}, 1);
  ASSERT_OK_AND_ASSIGN(const PreparedJob prepared, Prepare(request));
  ASSERT_OK_AND_ASSIGN(const TensorFile good, ParseSafetensors(prepared.input));
  const auto expect_damaged = [&](const TensorFile& input, const char* message) {
    EXPECT_THAT(ReadStoredJob(prepared.new_job.record, input),
                StatusIs(kDataLoss, HasSubstr(message)));
  };
  TensorFile input = good;
  input.tensors.erase("simulate_from");
  expect_damaged(input, "has not one of y and simulate_from");
  input = good;
  input.tensors["y"] = at::zeros({2, 1, 32, 32});
  expect_damaged(input, "has not one of y and simulate_from");
  input = good;
  input.tensors.erase("operator_mask");
  expect_damaged(input, "no mask or kernel");
  input = good;
  input.tensors["operator_mask"] = at::ones({32, 32}, at::kDouble);
  expect_damaged(input, "operator_mask is not of float32");
  input = good;
  input.tensors["guide"] = at::zeros({2, 1, 32, 32});
  expect_damaged(input, "a tensor called guide");
}

}  // namespace
}  // namespace tweedie
