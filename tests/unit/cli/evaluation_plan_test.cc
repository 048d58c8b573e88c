#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "client/cli/evaluation/cells.h"
#include "client/cli/evaluation/plan.h"
#include "client/cli/local_file.h"
#include "imaging/image.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_folder.h"

namespace tweedie::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;
using ::testing::SizeIs;

TEST(PlanTest, IsReadAsItsHeaderSays) {
  ASSERT_OK_AND_ASSIGN(const EvaluationPlan plan,
                       ParsePlan(R"({"images": 4, "seed": 18446744073709551615, "noise": [0, 0.05],
                    "operators": ["sr 4", {"name": "box", "options": "--inpaint-box 8,8,16,16"}],
                    "methods": [{"name": "DPS", "options": "dps --steps 10", "images": 2,
                                 "operators": ["box"]}, "ddrm"]})"));
  EXPECT_OK(CheckPlan(plan));
  EXPECT_EQ(plan.images, 4);
  EXPECT_EQ(plan.seed, 18446744073709551615u);
  EXPECT_THAT(plan.noise, ElementsAre(0, 0.05));
  EXPECT_EQ(plan.operators[0].name, "sr 4");
  EXPECT_EQ(plan.operators[1].options, "--inpaint-box 8,8,16,16");
  EXPECT_EQ(plan.methods[0].name, "DPS");
  EXPECT_EQ(plan.methods[0].images, 2);
  EXPECT_THAT(plan.methods[0].operators, ElementsAre("box"));
  EXPECT_FALSE(plan.methods[1].images.has_value());
}

TEST(PlanTest, MistakesAreNamed) {
  const auto error = [](const std::string& json) {
    const auto plan = ParsePlan(json);
    return std::string(plan.ok() ? CheckPlan(*plan).message() : plan.status().message());
  };
  EXPECT_THAT(error("[]"), HasSubstr("JSON object"));
  EXPECT_THAT(error("{"), HasSubstr("JSON object"));
  EXPECT_THAT(error(R"({"colour": 1})"), HasSubstr("no key 'colour'"));
  EXPECT_THAT(error(R"({"methods": [{"zeta": 1}]})"), HasSubstr("no key 'zeta'"));
  EXPECT_THAT(error(R"({"images": -4})"), HasSubstr("'images' must be a whole number"));
  EXPECT_THAT(error(R"({"noise": ["much"]})"), HasSubstr("'noise'"));
  EXPECT_THAT(error(R"({"noise": 1})"), HasSubstr("'noise' must be a list"));
  EXPECT_THAT(error(R"({"operators": ["sr 4"]})"), HasSubstr("no methods"));
  EXPECT_THAT(error(R"({"methods": ["dps"]})"), HasSubstr("no operators"));
  EXPECT_THAT(error(R"({"methods": ["dps", "dps"], "operators": ["sr 4"]})"),
              HasSubstr("two methods are named 'dps'"));
  EXPECT_THAT(error(R"({"methods": [{"name": "x"}], "operators": ["sr 4"]})"),
              HasSubstr("'x' has no options"));
  EXPECT_THAT(error(R"({"methods": ["dps"], "operators": ["sr 4"], "noise": [-1]})"),
              HasSubstr("was -1"));
  EXPECT_THAT(error(R"({"methods": ["dps"], "operators": ["sr 4"], "images": 0})"),
              HasSubstr("'images' must be at least 1"));
  EXPECT_THAT(error(R"({"operators": ["sr 4"],
                        "methods": [{"name": "x", "options": "dps", "operators": ["box"]}]})"),
              HasSubstr("for 'box', which is no operator"));
}

class CellsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"a.png", "b.png", "c.png"}) {
      ASSERT_OK(WriteLocalFile(folder_.File(name), EncodePng(Image{2, 1, 1, 255, {0, 255}})));
      files_.push_back(folder_.File(name));
    }
    plan_.methods = {EntryOf("dps --steps 10"), EntryOf("ddrm")};
    plan_.operators = {EntryOf("sr 2"), EntryOf("--identity")};
    plan_.noise = {0, 0.05};
    plan_.images = 2;
  }
  absl::StatusOr<std::vector<Cell>> Make() { return MakeCells(plan_, files_, "models/m"); }

  const TempFolder folder_;
  std::vector<std::string> files_;
  EvaluationPlan plan_;
};

TEST_F(CellsTest, EveryMethodMeetsEveryProblem) {
  ASSERT_OK_AND_ASSIGN(const std::vector<Cell> cells, Make());
  std::vector<std::string> names;
  for (const Cell& cell : cells) names.push_back(ProblemOf(cell) + ": " + cell.method);
  EXPECT_THAT(
      names, ElementsAre("sr 2, noise 0: dps --steps 10", "sr 2, noise 0: ddrm",
                         "sr 2, noise 0.05: dps --steps 10", "sr 2, noise 0.05: ddrm",
                         "--identity, noise 0: dps --steps 10", "--identity, noise 0: ddrm",
                         "--identity, noise 0.05: dps --steps 10", "--identity, noise 0.05: ddrm"));
}

TEST_F(CellsTest, RequestSaysItAll) {
  ASSERT_OK_AND_ASSIGN(const std::vector<Cell> cells, Make());
  const v1::Job& job = cells[2].request.job();
  EXPECT_EQ(job.model(), "models/m");
  EXPECT_EQ(job.seed(), 1);
  EXPECT_EQ(job.priority(), v1::Job::BATCH);
  EXPECT_EQ(job.labels().at("evaluate.method"), "dps --steps 10");
  EXPECT_EQ(job.labels().at("evaluate.noise"), "0.05");
  EXPECT_EQ(job.dps().process().num_steps(), 10);
  const v1::Measurement& measurement = job.dps().measurement();
  EXPECT_EQ(measurement.forward_operator().super_resolution().factor(), 2);
  EXPECT_EQ(measurement.noise().gaussian_sigma(), 0.05);
  EXPECT_EQ(measurement.simulate_from().encoded().files_size(), 2);
}

TEST_F(CellsTest, IdFollowsFromTheContent) {
  const auto ids = [this] {
    std::set<std::string> found;
    const std::vector<Cell> cells = Make().value();
    for (const Cell& cell : cells) found.insert(cell.request.job_id());
    return found;
  };
  const std::set<std::string> first = ids();
  EXPECT_THAT(first, SizeIs(8));
  EXPECT_THAT(*first.begin(), MatchesRegex("evaluate-[0-9a-f]{32}"));
  EXPECT_EQ(ids(), first);
  plan_.seed = 2;
  for (const std::string& id : ids()) EXPECT_EQ(first.count(id), 0);
}

TEST_F(CellsTest, ChangedImageMakesAnotherJob) {
  const std::string before = Make()->front().request.job_id();
  ASSERT_OK(WriteLocalFile(files_[0], EncodePng(Image{2, 1, 1, 255, {1, 255}})));
  EXPECT_NE(Make()->front().request.job_id(), before);
}

TEST_F(CellsTest, MethodMayTakeFewerImagesAndOperators) {
  plan_.methods[0].images = 1;
  plan_.methods[1].operators = {"sr 2"};
  plan_.noise = {0};
  ASSERT_OK_AND_ASSIGN(const std::vector<Cell> cells, Make());
  ASSERT_THAT(cells, SizeIs(3));
  EXPECT_EQ(cells[0].request.job().dps().measurement().simulate_from().encoded().files_size(), 1);
  EXPECT_EQ(cells[2].method, "dps --steps 10");
}

TEST_F(CellsTest, OperatorWithItsOwnNoiseIsTakenOnce) {
  plan_.methods = {EntryOf("dps")};
  plan_.operators = {EntryOf("identity --poisson 30"), EntryOf("sr 2 --noise 0.2")};
  ASSERT_OK_AND_ASSIGN(const std::vector<Cell> cells, Make());
  ASSERT_THAT(cells, SizeIs(2));
  EXPECT_EQ(cells[0].noise, "poisson 30");
  EXPECT_EQ(cells[0].request.job().dps().measurement().noise().poisson().rate(), 30);
  EXPECT_EQ(cells[1].noise, "0.2");
}

TEST_F(CellsTest, MistakesInOptionsAreNamed) {
  plan_.methods = {EntryOf("magic --steps 1")};
  EXPECT_THAT(Make(), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("method 'magic'")));
  plan_.methods = {EntryOf("dps --colour red")};
  EXPECT_THAT(Make(), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("--colour")));
  plan_.methods = {EntryOf("dps")};
  plan_.operators = {EntryOf("sr four")};
  EXPECT_THAT(Make(), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("sr four")));
  plan_.operators = {EntryOf("noise 1")};
  EXPECT_THAT(Make(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("operator is required")));
}

}  // namespace
}  // namespace tweedie::cli
