#include "client/cli/methods/methods.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <set>

#include "client/cli/fetch.h"
#include "client/cli/local_file.h"
#include "client/cli/npy.h"
#include "imaging/image.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_folder.h"

namespace tweedie::cli {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class MethodsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK(WriteLocalFile(Image0(), EncodePng(Image{2, 1, 1, 255, {0, 255}})));
  }
  std::string Image0() const { return folder_.File("0.png"); }

  // The job that `tweedie METHOD COMMAND_LINE` asks for.
  absl::StatusOr<v1::Job> Make(const std::string& method, const std::string& command_line) {
    const std::unique_ptr<MethodOptions> options = FindMethod(method)->make_options();
    MeasurementOptions measurement;
    CLI::App app;
    AddMeasurementOptions(&app, &measurement);
    options->AddTo(&app);
    app.parse(command_line);
    v1::Job job;
    const absl::Status status = options->SetTask(measurement, &job);
    if (!status.ok()) return status;
    const absl::Status added = AddReference(measurement, &job);
    if (!added.ok()) return added;
    truth_ = TruthFiles(measurement);
    return job;
  }
  // With an operator and an image to measure, which are left out of the text.
  std::string TextOf(const std::string& method, const std::string& command_line = "") {
    absl::StatusOr<v1::Job> job =
        Make(method, "--identity --simulate-from " + Image0() + " " + command_line);
    EXPECT_OK(job);
    if (!job.ok()) return "";
    EXPECT_TRUE(HasMeasurement(*job));
    const auto* field = v1::Job::descriptor()->FindFieldByName(method);
    google::protobuf::Message* task = v1::Job::GetReflection()->MutableMessage(&*job, field);
    task->GetReflection()->ClearField(task, task->GetDescriptor()->FindFieldByName("measurement"));
    return task->ShortDebugString();
  }

  const TempFolder folder_;
  std::vector<std::string> truth_;
};

TEST_F(MethodsTest, EachIsNamedAsItsTask) {
  std::set<std::string> names;
  for (const MethodInfo* method : Methods()) {
    names.insert(method->name);
    EXPECT_NE(v1::Job::descriptor()->FindFieldByName(method->name), nullptr) << method->name;
    EXPECT_EQ(FindMethod(method->name), method);
    EXPECT_THAT(method->example, HasSubstr(std::string("tweedie ") + method->name));
  }
  // Every task of the API but the two that have commands of their own.
  EXPECT_EQ(static_cast<int>(names.size()),
            v1::Job::descriptor()->FindOneofByName("task")->field_count() - 2);
  EXPECT_EQ(FindMethod("magic"), nullptr);
}

TEST_F(MethodsTest, WhatIsNotGivenIsLeftToTheServer) {
  for (const MethodInfo* method : Methods()) EXPECT_EQ(TextOf(method->name), "") << method->name;
}

TEST_F(MethodsTest, OptionsBecomeFieldsOfTheTask) {
  EXPECT_EQ(TextOf("dps", "--zeta 0.3 --objective squared-norm --steps 100"),
            "process { num_steps: 100 } zeta: 0.3 objective: SQUARED_NORM");
  EXPECT_EQ(TextOf("dps", "--objective norm"), "objective: NORM");
  EXPECT_EQ(TextOf("ald",
                   "--prior langevin --steps-per-level 5 --step-size 0.2 --gamma-scale 2"
                   " --likelihood-scale 0"),
            "prior: LANGEVIN steps_per_level: 5 step_size: 0.2 gamma_scale: 2 likelihood_scale: 0");
  EXPECT_EQ(TextOf("ald", "--prior ancestral"), "prior: ANCESTRAL");
  EXPECT_EQ(TextOf("ddnm", "--eta 0 --travel-length 5 --travel-repeats 2 --steps 50"),
            "process { num_steps: 50 } eta: 0 travel_length: 5 travel_repeats: 2");
  EXPECT_EQ(TextOf("ddrm", "--eta 0.5 --eta-b 0.25"), "eta: 0.5 eta_b: 0.25");
  EXPECT_EQ(TextOf("pigdm", "--eta 0.2 --steps 100"), "process { num_steps: 100 eta: 0.2 }");
  EXPECT_EQ(TextOf("diffpir", "--lambda 7 --zeta 0.3 --spacing trailing"),
            "process { spacing: TRAILING } lambda: 7 zeta: 0.3");
  EXPECT_EQ(TextOf("reddiff", "--learning-rate 0.05 --prior-weight 0.5 --data-weight 2 --clip"),
            "process { clip_x0: true } learning_rate: 0.05 prior_weight: 0.5 data_weight: 2");
  EXPECT_EQ(TextOf("repaint", "--jump-length 5 --resamples 3 --variance fixed-large"),
            "process { variance: FIXED_LARGE } jump_length: 5 num_resamples: 3");
  EXPECT_EQ(TextOf("sdedit", "--strength 0.4 --keep-measured --repeats 3 --process ddim"),
            "strength: 0.4 process { kind: DDIM } keep_measured: true num_repeats: 3");
}

TEST_F(MethodsTest, OptionsThatAMethodLacksAreRefused) {
  EXPECT_THROW((void)Make("ddrm", "--identity --zeta 1"), CLI::ParseError);
  EXPECT_THROW((void)Make("ddnm", "--identity --process ddim"), CLI::ParseError);
  EXPECT_THROW((void)Make("dps", "--identity --objective cubed"), CLI::ParseError);
}

TEST_F(MethodsTest, SimulatedMeasurementCarriesOperatorNoiseAndImages) {
  ASSERT_OK_AND_ASSIGN(const v1::Job job,
                       Make("dps", "--simulate-from " + Image0() + " --sr 2 --noise 0.1"));
  const v1::Measurement& measurement = job.dps().measurement();
  EXPECT_EQ(measurement.forward_operator().super_resolution().factor(), 2);
  EXPECT_EQ(measurement.noise().gaussian_sigma(), 0.1);
  EXPECT_EQ(measurement.simulate_from().encoded().files_size(), 1);
  EXPECT_FALSE(job.has_reference());
  EXPECT_EQ(job.samples_per_image(), 0);
  EXPECT_THAT(truth_, ElementsAre(Image0()));
}

TEST_F(MethodsTest, PicturesAndArraysAreMeasurements) {
  ASSERT_OK(WriteLocalFile(folder_.File("y.npy"), EncodeNpy({{1, 1, 1, 2}, {0.5, 1.5}})));
  ASSERT_OK_AND_ASSIGN(const v1::Job by_picture, Make("dps", Image0() + " --identity"));
  EXPECT_THAT(ToArray(by_picture.dps().measurement().y())->values, ElementsAre(-1, 1));
  EXPECT_THAT(truth_, IsEmpty());
  ASSERT_OK_AND_ASSIGN(const v1::Job by_array,
                       Make("dps", "--measurement " + folder_.File("y.npy") + " --identity"));
  EXPECT_THAT(ToArray(by_array.dps().measurement().y())->values, ElementsAre(0.5, 1.5));
}

TEST_F(MethodsTest, ReferenceAndSamplesBelongToTheJob) {
  ASSERT_OK_AND_ASSIGN(const v1::Job job,
                       Make("ddrm", Image0() + " --identity --samples 4 --reference " + Image0()));
  EXPECT_EQ(job.samples_per_image(), 4);
  EXPECT_EQ(job.reference().encoded().files_size(), 1);
  EXPECT_THAT(truth_, ElementsAre(Image0()));
}

TEST_F(MethodsTest, ExactlyOneMeasurementIsAllowed) {
  EXPECT_THAT(Make("dps", "--identity"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("is required")));
  EXPECT_THAT(Make("dps", Image0() + " --identity --simulate-from " + Image0()),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("exactly one")));
}

TEST_F(MethodsTest, SdeditWithoutAnOperatorEditsItsPictures) {
  ASSERT_OK_AND_ASSIGN(const v1::Job job, Make("sdedit", Image0() + " --keep-mask " + Image0()));
  EXPECT_EQ(job.sdedit().guide().encoded().files_size(), 1);
  EXPECT_THAT(ToArray(job.sdedit().keep_mask())->values, ElementsAre(0, 1));
  EXPECT_FALSE(HasMeasurement(job));
}

TEST_F(MethodsTest, SdeditRefusesWhatNeedsAnOperator) {
  EXPECT_THAT(Make("sdedit", ""), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("guide")));
  EXPECT_THAT(Make("sdedit", Image0() + " --noise 0.1"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("need an operator")));
  EXPECT_THAT(Make("sdedit", "--simulate-from " + Image0()),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("operator is required")));
}

}  // namespace
}  // namespace tweedie::cli
