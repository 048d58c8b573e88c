#include "client/cli/job_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>

#include "client/cli/process_options.h"
#include "tests/testing/status_matchers.h"

namespace tweedie::cli {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

// What a command line means.
struct Parsed {
  ProcessOptions process;
  JobOptions job;
  IdOptions ids;
};

Parsed Parse(const std::string& command_line) {
  Parsed parsed;
  CLI::App app;
  AddProcessOptions(&app, &parsed.process);
  AddJobOptions(&app, &parsed.job);
  AddIdOptions(&app, &parsed.ids);
  app.parse(command_line);
  return parsed;
}

v1::ReverseProcess Process(const std::string& command_line) {
  return MakeProcess(Parse(command_line).process);
}

v1::Model ModelOf(const std::string& name, v1::Model::State state) {
  v1::Model model;
  model.set_name(name);
  model.set_state(state);
  return model;
}

TEST(ProcessOptionsTest, WhatIsNotGivenIsLeftToTheServer) {
  EXPECT_FALSE(IsSet(Parse("").process));
  EXPECT_EQ(Process("").ByteSizeLong(), 0);
}

TEST(ProcessOptionsTest, EachOptionCountsAsAProcess) {
  for (const char* option : {"--process ddpm", "--steps 5", "--eta 0", "--variance fixed-small",
                             "--spacing leading", "--clip", "--no-clip"}) {
    EXPECT_TRUE(IsSet(Parse(option).process)) << option;
    EXPECT_GT(Process(option).ByteSizeLong(), 0) << option;
  }
}

TEST(ProcessOptionsTest, NamesAreThoseOfTheApi) {
  EXPECT_EQ(Process("--process ddpm").kind(), v1::ReverseProcess::DDPM);
  EXPECT_EQ(Process("--process ddim").kind(), v1::ReverseProcess::DDIM);
  EXPECT_EQ(Process("--process dpm-solver").kind(), v1::ReverseProcess::DPM_SOLVER_PP_2M);
  EXPECT_EQ(Process("--variance fixed-small").variance(), v1::ReverseProcess::FIXED_SMALL);
  EXPECT_EQ(Process("--variance fixed-large").variance(), v1::ReverseProcess::FIXED_LARGE);
  EXPECT_EQ(Process("--variance learned-range").variance(), v1::ReverseProcess::LEARNED_RANGE);
  EXPECT_EQ(Process("--spacing leading").spacing(), v1::ReverseProcess::LEADING);
  EXPECT_EQ(Process("--spacing trailing").spacing(), v1::ReverseProcess::TRAILING);
  EXPECT_EQ(Process("--spacing linspace").spacing(), v1::ReverseProcess::LINSPACE);
}

TEST(ProcessOptionsTest, ClippingHasThreeStates) {
  EXPECT_FALSE(Process("--steps 1").has_clip_x0());
  EXPECT_TRUE(Process("--clip").clip_x0());
  EXPECT_TRUE(Process("--no-clip").has_clip_x0());
  EXPECT_FALSE(Process("--no-clip").clip_x0());
  EXPECT_THROW(Parse("--clip --no-clip"), CLI::ParseError);
}

TEST(ProcessOptionsTest, ZeroEtaIsNotAnUnsetOne) {
  EXPECT_FALSE(Process("--process ddim").has_eta());
  EXPECT_TRUE(Process("--process ddim --eta 0").has_eta());
}

TEST(ProcessOptionsTest, UnknownNamesAreRefused) {
  EXPECT_THROW(Parse("--process magic"), CLI::ValidationError);
  EXPECT_THROW(Parse("--spacing wide"), CLI::ValidationError);
}

TEST(JobOptionsTest, RequestCarriesThemAll) {
  const Parsed parsed = Parse(
      "--seed 18446744073709551615 --priority batch --label a=b --label c=d=e --class-label 3 4"
      " --id my-job --request-id some-uuid");
  v1::CreateJobRequest request;
  SetIds(parsed.ids, &request);
  ASSERT_OK_AND_ASSIGN(*request.mutable_job(), MakeJob(parsed.job, "models/m"));
  EXPECT_EQ(request.job().model(), "models/m");
  EXPECT_EQ(request.job().seed(), 18446744073709551615u);
  EXPECT_EQ(request.job().priority(), v1::Job::BATCH);
  EXPECT_THAT(request.job().labels(), UnorderedElementsAre(Pair("a", "b"), Pair("c", "d=e")));
  EXPECT_THAT(request.job().class_labels(), ElementsAre(3, 4));
  EXPECT_EQ(request.job_id(), "my-job");
  EXPECT_EQ(request.request_id(), "some-uuid");
}

TEST(JobOptionsTest, SeedIsTheServersChoiceUnlessGiven) {
  EXPECT_FALSE(MakeJob(Parse("").job, "models/m")->has_seed());
  EXPECT_TRUE(MakeJob(Parse("--seed 0").job, "models/m")->has_seed());
  EXPECT_THROW(Parse("--seed -1"), CLI::ParseError);
}

TEST(JobOptionsTest, LabelWithoutAValueIsNamed) {
  EXPECT_THAT(MakeJob(Parse("--label fine=1 --label lonely").job, "models/m"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("lonely")));
}

TEST(ChooseModelTest, TheOnlyOneThatWorksNeedsNoName) {
  EXPECT_EQ(*ChooseModel({ModelOf("models/bad", v1::Model::FAILED),
                          ModelOf("models/good", v1::Model::UNLOADED)}),
            "models/good");
}

TEST(ChooseModelTest, SeveralAreListed) {
  EXPECT_THAT(
      ChooseModel({ModelOf("models/a", v1::Model::READY), ModelOf("models/b", v1::Model::READY)}),
      StatusIs(absl::StatusCode::kInvalidArgument,
               AllOf(HasSubstr("--model"), HasSubstr("models/a, models/b"))));
}

TEST(ChooseModelTest, NoneThatWorksIsSaid) {
  EXPECT_THAT(ChooseModel({}),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("no models")));
  EXPECT_THAT(ChooseModel({ModelOf("models/bad", v1::Model::FAILED)}),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("models/bad (failed)")));
}

}  // namespace
}  // namespace tweedie::cli
