#include "server/convert/stored_job.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>

#include <limits>
#include <string>

#include "server/convert/job_work.h"
#include "tests/testing/status_matchers.h"
#include "tests/unit/convert/job_requests.h"

namespace tweedie {
namespace {

using ::testing::HasSubstr;
using Process = v1::ReverseProcess;

constexpr auto kDataLoss = absl::StatusCode::kDataLoss;

void ExpectSameProcess(const ReverseProcessSpec& a, const ReverseProcessSpec& b) {
  EXPECT_EQ(a.kind, b.kind);
  EXPECT_EQ(a.num_steps, b.num_steps);
  EXPECT_EQ(a.eta, b.eta);
  EXPECT_EQ(a.variance, b.variance);
  EXPECT_EQ(a.spacing, b.spacing);
  EXPECT_EQ(a.clip_x0, b.clip_x0);
}

void ExpectSameDenoise(const DenoiseTask& a, const DenoiseTask& b) {
  EXPECT_TRUE(a.images.equal(b.images));
  EXPECT_EQ(a.timestep, b.timestep);
  EXPECT_EQ(a.noise_sigma, b.noise_sigma);
  EXPECT_EQ(a.add_noise, b.add_noise);
  ASSERT_EQ(a.process.has_value(), b.process.has_value());
  if (a.process.has_value()) ExpectSameProcess(*a.process, *b.process);
}

void ExpectSameTask(const TaskSpec& a, const TaskSpec& b) {
  EXPECT_EQ(a.seed, b.seed);
  EXPECT_EQ(a.class_labels, b.class_labels);
  EXPECT_EQ(a.samples_per_image, b.samples_per_image);
  ASSERT_EQ(a.task.index(), b.task.index());
  if (const auto* sample = std::get_if<SampleTask>(&a.task)) {
    EXPECT_EQ(sample->num_images, std::get<SampleTask>(b.task).num_images);
    ExpectSameProcess(sample->process, std::get<SampleTask>(b.task).process);
  } else {
    ExpectSameDenoise(std::get<DenoiseTask>(a.task), std::get<DenoiseTask>(b.task));
  }
}

class StoredJobTest : public PrepareJobTest {
 protected:
  static absl::StatusOr<StoredJob> Read(const PreparedJob& prepared) {
    TensorFile input;
    if (!prepared.input.empty()) {
      absl::StatusOr<TensorFile> parsed = ParseSafetensors(prepared.input);
      if (!parsed.ok()) return parsed.status();
      input = *std::move(parsed);
    }
    return ReadStoredJob(prepared.new_job.record, input);
  }
  static absl::StatusOr<StoredJob> StoreAndRead(const v1::CreateJobRequest& request) {
    absl::StatusOr<PreparedJob> prepared = Prepare(request);
    if (!prepared.ok()) return prepared.status();
    return Read(*prepared);
  }
  // What is read back is what the request was resolved to.
  static void ExpectSurvives(v1::CreateJobRequest request) {
    request.mutable_job()->set_seed(0xfedcba9876543210);
    const DiffusionModel& model = *models_->Find("fashion-mnist-32")->model->diffusion;
    ASSERT_OK_AND_ASSIGN(const JobWork work, ReadJobWork(request.job(), model, {}));
    ASSERT_OK_AND_ASSIGN(const StoredJob stored, StoreAndRead(request));
    ExpectSameTask(stored.task, work.task);
  }
};

TEST_F(StoredJobTest, SamplingSurvives) {
  for (const auto kind : {Process::DDPM, Process::DDIM, Process::DPM_SOLVER_PP_2M}) {
    v1::CreateJobRequest request = SampleRequest();
    request.mutable_job()->mutable_sample()->set_num_images(5);
    request.mutable_job()->mutable_sample()->mutable_process()->set_kind(kind);
    ExpectSurvives(request);
    Process* process = request.mutable_job()->mutable_sample()->mutable_process();
    process->set_num_steps(13);
    process->set_spacing(Process::LINSPACE);
    process->set_clip_x0(false);
    if (kind == Process::DDIM) process->set_eta(0.1);  // not a short binary fraction
    if (kind == Process::DDPM) process->set_variance(Process::FIXED_LARGE);
    ExpectSurvives(request);
  }
}

TEST_F(StoredJobTest, DenoisingSurvives) {
  v1::CreateJobRequest request = DenoiseRequest(2);
  ExpectSurvives(request);
  request.mutable_job()->mutable_denoise()->set_timestep(0);
  ExpectSurvives(request);
  request.mutable_job()->mutable_denoise()->set_noise_sigma(0.3);
  request.mutable_job()->mutable_denoise()->set_add_noise(true);
  request.mutable_job()->set_samples_per_image(3);
  ExpectSurvives(request);
  request.mutable_job()->mutable_denoise()->mutable_process();
  ExpectSurvives(request);
}

at::Tensor Images(int count) {
  std::vector<float> values(static_cast<size_t>(count) * 1024);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i) / 1000 - 1;
  return at::tensor(values).view({count, 1, 32, 32});
}

TEST_F(StoredJobTest, NoReferenceUnlessGivenOrNoised) {
  ASSERT_OK_AND_ASSIGN(const StoredJob sample, StoreAndRead(SampleRequest()));
  EXPECT_FALSE(sample.reference.defined());
  ASSERT_OK_AND_ASSIGN(const StoredJob denoise, StoreAndRead(DenoiseRequest()));
  EXPECT_FALSE(denoise.reference.defined());
}

TEST_F(StoredJobTest, ReferenceIsOneForAllOrOneAResult) {
  v1::CreateJobRequest request = SampleRequest();
  request.mutable_job()->mutable_sample()->set_num_images(3);
  *request.mutable_job()->mutable_reference() = FloatImages(1);
  ASSERT_OK_AND_ASSIGN(const StoredJob one, StoreAndRead(request));
  EXPECT_TRUE(one.reference.equal(Images(1)));
  *request.mutable_job()->mutable_reference() = FloatImages(3);
  ASSERT_OK_AND_ASSIGN(const StoredJob all, StoreAndRead(request));
  EXPECT_TRUE(all.reference.equal(Images(3)));
}

TEST_F(StoredJobTest, ReferenceOfAnInputServesAllItsResults) {
  v1::CreateJobRequest request = DenoiseRequest(2);
  request.mutable_job()->set_samples_per_image(3);
  *request.mutable_job()->mutable_reference() = FloatImages(2);
  ASSERT_OK_AND_ASSIGN(const StoredJob job, StoreAndRead(request));
  const at::Tensor expected = Images(2).index_select(0, at::tensor({0, 0, 0, 1, 1, 1}));
  EXPECT_TRUE(job.reference.equal(expected));
}

TEST_F(StoredJobTest, ImagesToBeNoisedAreTheirOwnReference) {
  v1::CreateJobRequest request = DenoiseRequest(2);
  request.mutable_job()->mutable_denoise()->set_add_noise(true);
  request.mutable_job()->set_samples_per_image(2);
  ASSERT_OK_AND_ASSIGN(const StoredJob own, StoreAndRead(request));
  EXPECT_TRUE(own.reference.equal(Images(2).index_select(0, at::tensor({0, 0, 1, 1}))));
  *request.mutable_job()->mutable_reference() = FloatImages(1);
  ASSERT_OK_AND_ASSIGN(const StoredJob given, StoreAndRead(request));
  EXPECT_TRUE(given.reference.equal(Images(1)));
}

TEST_F(StoredJobTest, WhatDoesNotFitTogetherIsDataLoss) {
  ASSERT_OK_AND_ASSIGN(const PreparedJob prepared, Prepare(DenoiseRequest(2)));
  const JobRecord& good = prepared.new_job.record;
  const TensorFile input{{{"images", Images(2)}}, {}};
  ASSERT_OK(ReadStoredJob(good, input));
  const auto expect_damaged = [&](const JobRecord& record, const TensorFile& file,
                                  const char* message) {
    EXPECT_THAT(ReadStoredJob(record, file), StatusIs(kDataLoss, HasSubstr(message)));
  };
  JobRecord record = good;
  record.spec = "\xff\xff";
  expect_damaged(record, input, "cannot be parsed");
  record.spec = "";
  expect_damaged(record, input, "task");
  record = good;
  record.num_images = 3;
  expect_damaged(record, input, "makes 2 images, not 3");
  expect_damaged(good, {}, "no images");
  expect_damaged(good, {{{"images", Images(3)}}, {}}, "makes 3 images");
  expect_damaged(good, {{{"images", Images(2).to(at::kDouble)}}, {}}, "images are not images");
  expect_damaged(good, {{{"images", Images(2).squeeze(1)}}, {}}, "images are not images");
  expect_damaged(good, {{{"images", Images(2)}, {"y", Images(2)}}, {}}, "called y");
  expect_damaged(good, {{{"images", Images(2)}, {"reference", Images(3)}}, {}}, "3 reference");
  expect_damaged(good, {{{"images", Images(2)}, {"reference", Images(2).view({2, 1, 16, 64})}}, {}},
                 "differ in shape");
}

TEST_F(StoredJobTest, SpecWithoutASeedIsDataLoss) {
  ASSERT_OK_AND_ASSIGN(const PreparedJob prepared, Prepare(SampleRequest()));
  JobRecord record = prepared.new_job.record;
  v1::Job spec;
  ASSERT_TRUE(spec.ParseFromString(record.spec));
  spec.clear_seed();
  record.spec = spec.SerializeAsString();
  EXPECT_THAT(ReadStoredJob(record, {}), StatusIs(kDataLoss, HasSubstr("no seed")));
}

const NetworkUsed kAb = {"ab", "float32"};

MethodState SomeState() {
  MethodState state;
  state.step = 417;
  state.tensors["x"] = at::tensor({1.0F, -0.0F, std::numeric_limits<float>::denorm_min()});
  state.tensors["x0_hat"] = at::arange(6, at::kFloat).view({2, 3});
  return state;
}

TEST(CheckpointTest, Survives) {
  const MethodState state = SomeState();
  ASSERT_OK_AND_ASSIGN(const MethodState read, ReadCheckpoint(WriteCheckpoint(state, kAb), kAb));
  EXPECT_EQ(read.step, 417);
  ASSERT_EQ(read.tensors.size(), 2U);
  for (const auto& [name, tensor] : state.tensors) EXPECT_TRUE(read.tensors.at(name).equal(tensor));
}

TEST(CheckpointTest, ServesOnlyTheWeightsThatMadeIt) {
  EXPECT_THAT(ReadCheckpoint(WriteCheckpoint(SomeState(), kAb), {"cd", "float32"}),
              StatusIs(kDataLoss, HasSubstr("weights_sha256 ab, to be resumed with cd")));
}

TEST(CheckpointTest, ServesOnlyThePrecisionThatMadeIt) {
  const std::string checkpoint = WriteCheckpoint(SomeState(), {"ab", "tf32"});
  EXPECT_OK(ReadCheckpoint(checkpoint, {"ab", "tf32"}));
  EXPECT_THAT(ReadCheckpoint(checkpoint, kAb),
              StatusIs(kDataLoss, HasSubstr("precision tf32, to be resumed with float32")));
}

TEST(CheckpointTest, MalformedIsDataLoss) {
  const std::string good = WriteCheckpoint(SomeState(), kAb);
  EXPECT_THAT(ReadCheckpoint("", kAb), StatusIs(kDataLoss, HasSubstr("malformed checkpoint")));
  EXPECT_THAT(ReadCheckpoint(good.substr(0, good.size() - 1), kAb),
              StatusIs(kDataLoss, HasSubstr("malformed checkpoint")));
  const auto expect_refused = [](const std::map<std::string, std::string>& metadata,
                                 const char* message) {
    const TensorFile file{{{"x", at::zeros({1})}}, metadata};
    EXPECT_THAT(ReadCheckpoint(SerializeSafetensors(file), kAb),
                StatusIs(kDataLoss, HasSubstr(message)));
  };
  const auto with = [](const char* step, const char* precision) {
    return std::map<std::string, std::string>{
        {"step", step}, {"weights_sha256", "ab"}, {"precision", precision}};
  };
  expect_refused({}, "without `weights_sha256`");
  expect_refused({{"weights_sha256", "ab"}}, "without `precision`");
  expect_refused({{"weights_sha256", "ab"}, {"precision", "float32"}}, "without `step`");
  expect_refused(with("7", "bfloat16"), "precision bfloat16");
  expect_refused(with("seven", "float32"), "seven");
  expect_refused(with("-1", "float32"), "-1");
  expect_refused(with("99999999999999999999", "float32"), "9999");
}

}  // namespace
}  // namespace tweedie
