// Tasks that restore or edit images, through the public API.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "imaging/image.h"
#include "tests/testing/error_details.h"
#include "tests/testing/inverse_requests.h"
#include "tests/testing/running_server.h"

namespace tweedie {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

std::string MustCreate(TestClient& client, const v1::CreateJobRequest& request) {
  v1::Job job;
  const grpc::Status status = client.Create(request, &job);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return job.name();
}

v1::Job MustEnd(TestClient& client, const std::string& name) {
  v1::Job job;
  const grpc::Status status = client.WaitForEnd(name, &job);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return job;
}

std::string MustSucceed(TestClient& client, const std::string& name) {
  const v1::Job job = MustEnd(client, name);
  EXPECT_EQ(job.state(), v1::Job::SUCCEEDED) << job.ShortDebugString();
  std::string bytes;
  EXPECT_TRUE(client.Images(name, &bytes).ok());
  EXPECT_FALSE(bytes.empty());
  return bytes;
}

std::string RunAlone(TestClient& client, const v1::CreateJobRequest& request) {
  return MustSucceed(client, MustCreate(client, request));
}

class InverseProblemsTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { server_ = new RunningServer(); }
  static void TearDownTestSuite() {
    EXPECT_EQ(server_->Terminate(), 0);
    delete server_;
  }
  TestClient& client() { return server_->client(); }

  static RunningServer* server_;
};

RunningServer* InverseProblemsTest::server_ = nullptr;

// --- Every task -----------------------------------------------------------------

// What a watcher saw of a job: the first residuals, and its end.
struct Watched {
  std::optional<v1::Progress> first_measured;
  v1::Job job;
};

Watched WatchToEnd(TestClient& client, const std::string& name) {
  Watched watched;
  v1::WatchJobRequest request;
  request.set_name(name);
  const grpc::Status status = client.Watch(request, [&](const v1::WatchJobResponse& event) {
    if (event.has_job()) watched.job = event.job();
    if (event.progress().metrics_size() > 0 && !watched.first_measured) {
      watched.first_measured = event.progress();
    }
    return true;
  });
  EXPECT_TRUE(status.ok()) << status.error_message();
  return watched;
}

TEST_F(InverseProblemsTest, EveryTaskRestoresImagesAndReportsResidualsThatFall) {
  for (const NamedRequest& named : EveryMeasuredTask(/*num_images=*/2, /*num_steps=*/30)) {
    SCOPED_TRACE(named.task);
    const Watched watched = WatchToEnd(client(), MustCreate(client(), named.request));
    ASSERT_EQ(watched.job.state(), v1::Job::SUCCEEDED) << watched.job.ShortDebugString();
    ASSERT_THAT(watched.job.metrics(), SizeIs(2));
    ASSERT_TRUE(watched.first_measured.has_value());
    ASSERT_THAT(watched.first_measured->metrics(), SizeIs(2));
    for (int i = 0; i < 2; ++i) {
      const v1::ImageMetrics& before = watched.first_measured->metrics(i);
      const v1::ImageMetrics& after = watched.job.metrics(i);
      EXPECT_LT(after.residual(), before.residual());
      EXPECT_TRUE(after.has_psnr() && after.has_ssim());  // against what was measured
    }
    EXPECT_EQ(watched.job.progress().step(), watched.job.progress().num_steps());
  }
}

TEST_F(InverseProblemsTest, ExactMethodsAgreeWithANoiselessMeasurement) {
  for (const NamedRequest& named : EveryMeasuredTask(/*num_images=*/1, /*num_steps=*/10)) {
    if (named.task != "ddnm" && named.task != "ddrm" && named.task != "repaint" &&
        named.task != "sdedit") {
      continue;
    }
    SCOPED_TRACE(named.task);
    const v1::Job job = MustEnd(client(), MustCreate(client(), named.request));
    ASSERT_EQ(job.state(), v1::Job::SUCCEEDED) << job.ShortDebugString();
    EXPECT_LT(job.metrics(0).residual(), 1e-3);
  }
}

TEST_F(InverseProblemsTest, EveryOperatorIsServed) {
  using Set = void (*)(v1::Operator*);
  const std::map<std::string, Set> operators = {
      {"identity", [](v1::Operator* o) { o->mutable_identity(); }},
      {"box",
       [](v1::Operator* o) {
         o->mutable_inpainting()->mutable_box()->set_height(8);
         o->mutable_inpainting()->mutable_box()->set_width(8);
       }},
      {"super_resolution", [](v1::Operator* o) { o->mutable_super_resolution()->set_factor(4); }},
      {"subsampling", [](v1::Operator* o) { o->mutable_subsampling()->set_stride(2); }},
      {"blur",
       [](v1::Operator* o) {
         o->mutable_blur()->mutable_gaussian()->set_size(7);
         o->mutable_blur()->mutable_gaussian()->set_sigma(1.5);
       }},
      {"motion", [](v1::Operator* o) { o->mutable_blur()->mutable_motion()->set_size(9); }},
      {"random_kernel", [](v1::Operator* o) { o->mutable_blur()->set_random_size(5); }},
      {"mri",
       [](v1::Operator* o) { o->mutable_mri()->mutable_random_columns()->set_acceleration(2); }},
      {"tomography", [](v1::Operator* o) { o->mutable_tomography()->set_num_angles(20); }},
      {"phase_retrieval", [](v1::Operator* o) { o->mutable_phase_retrieval(); }}};
  for (const auto& [name, set] : operators) {
    SCOPED_TRACE(name);
    v1::CreateJobRequest request = DpsRequest(1, 5, 1);
    v1::Measurement* measurement = request.mutable_job()->mutable_dps()->mutable_measurement();
    set(measurement->mutable_forward_operator());
    measurement->mutable_noise()->set_gaussian_sigma(0.05);
    const v1::Job job = MustEnd(client(), MustCreate(client(), request));
    ASSERT_EQ(job.state(), v1::Job::SUCCEEDED) << job.ShortDebugString();
    EXPECT_GT(job.metrics(0).residual(), 0);
    EXPECT_GT(job.dps().zeta(), 0);
  }
}

TEST_F(InverseProblemsTest, EditsKeepWhatTheMaskKeeps) {
  v1::CreateJobRequest request = SdeditRequest(1, 10, 5);
  v1::SdeditTask* task = request.mutable_job()->mutable_sdedit();
  std::vector<float> mask(1024, 0);
  for (size_t i = 0; i < 512; ++i) mask[i] = 1;  // the upper half
  v1::Tensor* keep = task->mutable_keep_mask();
  keep->set_data_type(v1::Tensor::FLOAT32);
  keep->add_shape(32);
  keep->add_shape(32);
  keep->set_data(mask.data(), 4096);
  const std::string result = RunAlone(client(), request);
  const std::string& guide = task->guide().tensor().data();
  EXPECT_EQ(result.substr(0, 2048), guide.substr(0, 2048));
  EXPECT_NE(result.substr(2048), guide.substr(2048));
}

TEST_F(InverseProblemsTest, ResidualsNeedNoReference) {
  v1::CreateJobRequest request = DpsRequest(1, 5, 1);
  v1::Measurement* measurement = request.mutable_job()->mutable_dps()->mutable_measurement();
  measurement->mutable_forward_operator()->mutable_identity();
  *measurement->mutable_y() = SmoothImages(1, 3).tensor();
  const v1::Job job = MustEnd(client(), MustCreate(client(), request));
  ASSERT_THAT(job.metrics(), SizeIs(1));
  EXPECT_TRUE(job.metrics(0).has_residual());
  EXPECT_FALSE(job.metrics(0).has_psnr());
}

// --- Measurements can be read -----------------------------------------------------

TEST_F(InverseProblemsTest, MeasurementsCanBeRead) {
  v1::CreateJobRequest request = DpsRequest(3, 1, 8);
  request.mutable_job()->set_samples_per_image(2);
  const std::string name = MustCreate(client(), request);
  grpc::ClientContext context;
  v1::ReadJobMeasurementRequest read;
  read.set_name(name);
  auto reader = client().stub().ReadJobMeasurement(&context, read);
  v1::ReadJobMeasurementResponse part;
  int count = 0;
  while (reader->Read(&part)) {
    EXPECT_EQ(part.index(), count++);
    EXPECT_THAT(part.y().shape(), ElementsAre(1, 32, 32));
    EXPECT_TRUE(DecodeImage(part.preview_png(), ImageLimits()).ok());
  }
  EXPECT_TRUE(reader->Finish().ok());
  EXPECT_EQ(count, 3);
}

// --- Jobs beside each other -------------------------------------------------------

std::vector<v1::CreateJobRequest> MixedKinds() {
  std::vector<v1::CreateJobRequest> requests = {SampleRequest(2, 60, 1), SdeditRequest(2, 50, 2),
                                                DpsRequest(2, 25, 3),    SampleRequest(1, 90, 4),
                                                DpsRequest(1, 40, 5),    DenoiseRequest(2, 300, 6)};
  for (NamedRequest& named : EveryMeasuredTask(1, 15)) {
    if (named.task == "pigdm" || named.task == "reddiff" || named.task == "ald") {
      requests.push_back(named.request);
    }
  }
  return requests;
}

TEST_F(InverseProblemsTest, JobsOfAllKindsTogetherHaveTheBitsOfEachAlone) {
  const std::vector<v1::CreateJobRequest> requests = MixedKinds();
  std::vector<std::string> names;
  for (const auto& request : requests) names.push_back(MustCreate(client(), request));
  std::vector<std::string> together;
  for (const std::string& name : names) together.push_back(MustSucceed(client(), name));
  for (size_t i = 0; i < requests.size(); ++i) {
    EXPECT_TRUE(RunAlone(client(), requests[i]) == together[i]) << "job " << i;
  }
}

TEST_F(InverseProblemsTest, CancellingOneChangesNoOther) {
  const v1::CreateJobRequest dps = DpsRequest(1, 40, 21), sdedit = SdeditRequest(2, 60, 22);
  const std::string dps_alone = RunAlone(client(), dps);
  const std::string sdedit_alone = RunAlone(client(), sdedit);
  const std::string cancelled = MustCreate(client(), DpsRequest(2, 1000, 23));
  ASSERT_TRUE(client().WaitForStep(cancelled, 1).ok());
  const std::string dps_name = MustCreate(client(), dps);
  const std::string sdedit_name = MustCreate(client(), sdedit);
  ASSERT_TRUE(client().WaitForStep(dps_name, 5).ok());
  v1::Job job;
  ASSERT_TRUE(client().Cancel(cancelled, &job).ok());
  EXPECT_TRUE(MustSucceed(client(), dps_name) == dps_alone);
  EXPECT_TRUE(MustSucceed(client(), sdedit_name) == sdedit_alone);
  job = MustEnd(client(), cancelled);
  EXPECT_EQ(job.state(), v1::Job::CANCELLED);
  EXPECT_LT(job.progress().step(), 1000);
}

TEST_F(InverseProblemsTest, ADivergingJobFailsWithItsLastFrameAndHarmsNoOther) {
  const v1::CreateJobRequest other = SampleRequest(2, 60, 31);
  const std::string alone = RunAlone(client(), other);
  v1::CreateJobRequest diverging = DpsRequest(2, 200, 32);
  diverging.mutable_job()->mutable_dps()->set_zeta(1e30);
  const std::string other_name = MustCreate(client(), other);
  v1::WatchJobRequest watch;
  watch.set_name(MustCreate(client(), diverging));
  watch.set_frame_interval(1000);
  v1::Job job;
  const grpc::Status status = client().Watch(watch, [&](const v1::WatchJobResponse& event) {
    if (event.has_job()) job = event.job();
    return true;
  });
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(job.state(), v1::Job::FAILED);
  EXPECT_EQ(job.error().reason(), "DIVERGED");
  EXPECT_GT(job.error().message().size(), 0U);
  EXPECT_LT(job.progress().step(), 5);
  EXPECT_EQ(job.progress().num_steps(), 200);
  EXPECT_TRUE(MustSucceed(client(), other_name) == alone);
}

TEST(LastFrameTest, WatchersOfAJobThatFailsGetItsLastFrame) {
  RunningServer server({"--max-running-jobs", "1"});
  TestClient& client = server.client();
  // The job waits until its watcher is there.
  const std::string first = MustCreate(client, SampleRequest(1, 1000, 1));
  v1::CreateJobRequest diverging = DpsRequest(1, 200, 32);
  diverging.mutable_job()->mutable_dps()->set_zeta(1e30);
  v1::WatchJobRequest watch;
  watch.set_name(MustCreate(client, diverging));
  watch.set_frame_interval(1000);
  std::optional<v1::Frame> frame;
  v1::Job job;
  const grpc::Status status = client.Watch(watch, [&](const v1::WatchJobResponse& event) {
    if (event.has_job() && event.job().state() == v1::Job::QUEUED) {
      v1::Job blocking;
      EXPECT_TRUE(client.Cancel(first, &blocking).ok());
    }
    if (event.has_job()) job = event.job();
    if (event.has_frame()) frame = event.frame();
    return true;
  });
  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_EQ(job.error().reason(), "DIVERGED") << job.ShortDebugString();
  ASSERT_GT(job.progress().step(), 0);
  ASSERT_TRUE(frame.has_value());
  EXPECT_EQ(frame->step(), job.progress().step());
}

// --- Restarts ---------------------------------------------------------------------

TEST(InverseRestartTest, DrainedDpsGoesOnToTheSameBits) {
  const v1::CreateJobRequest request = DpsRequest(2, 120, 41);
  RunningServer server;
  const std::string name = MustCreate(server.client(), request);
  ASSERT_TRUE(server.client().WaitForStep(name, 40).ok());
  EXPECT_EQ(server.Terminate(), 0);
  server.Start();
  EXPECT_TRUE(MustSucceed(server.client(), name) == Undisturbed(request));
  v1::Job job;
  ASSERT_TRUE(server.client().Get(name, &job).ok());
  EXPECT_EQ(job.attempt(), 2);
}

TEST(InverseRestartTest, KilledServersReddiffGoesOnToTheSameBits) {
  v1::CreateJobRequest request;
  for (NamedRequest& named : EveryMeasuredTask(2, 400)) {
    if (named.task == "reddiff") request = named.request;
  }
  RunningServer server;
  const std::string name = MustCreate(server.client(), request);
  ASSERT_TRUE(server.client().WaitForStep(name, 250).ok());
  server.process().Kill();
  server.Start();
  EXPECT_TRUE(MustSucceed(server.client(), name) == Undisturbed(request));
}

// --- Refusals ---------------------------------------------------------------------

TEST_F(InverseProblemsTest, AMethodThatTheOperatorCannotServeIsRefusedNamingThoseThatCan) {
  v1::CreateJobRequest request;
  for (NamedRequest& named : EveryMeasuredTask(1, 5)) {
    if (named.task == "ddrm") request = named.request;
  }
  request.mutable_job()
      ->mutable_ddrm()
      ->mutable_measurement()
      ->mutable_forward_operator()
      ->mutable_phase_retrieval();
  v1::Job job;
  const grpc::Status status = client().Create(request, &job);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(FieldOf(status), "job.ddrm.measurement.forward_operator");
  EXPECT_THAT(status.error_message(), AllOf(HasSubstr("ald"), HasSubstr("dps")));
}

TEST_F(InverseProblemsTest, RefusalsNameTheFullPathOfTheField) {
  v1::CreateJobRequest request = DpsRequest(1, 5, 1);
  auto* gaussian = request.mutable_job()
                       ->mutable_dps()
                       ->mutable_measurement()
                       ->mutable_forward_operator()
                       ->mutable_blur()
                       ->mutable_gaussian();
  gaussian->set_size(8);
  gaussian->set_sigma(1);
  v1::Job job;
  const grpc::Status status = client().Create(request, &job);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(FieldOf(status), "job.dps.measurement.forward_operator.blur.gaussian.size");
}

}  // namespace
}  // namespace tweedie
