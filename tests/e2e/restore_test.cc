// Inverse problems: every method's command, what it writes, and comparisons.
#include <filesystem>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/e2e/cli_test.h"

namespace tweedie {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using ::testing::StartsWith;

std::string TestImage(int i) {
  return absl::StrCat(TWEEDIE_SOURCE_DIR "/data/fashion-mnist-test/000", i, ".png");
}

using Arguments = std::vector<std::string>;

class RestoreTest : public CliTest {
 protected:
  // `arguments` with two clean images to be measured, a seed, and a folder.
  Arguments OfTwoImages(Arguments arguments) {
    arguments.insert(arguments.end(), {"--simulate-from", TestImage(0), TestImage(1), "--seed", "1",
                                       "--out", File("out")});
    return arguments;
  }
  bool Exists(const std::string& name) const { return std::filesystem::exists(File(name)); }
};

TEST_F(RestoreTest, EveryMethodRestoresItsMeasurement) {
  const std::vector<Arguments> commands = {
      {"sdedit", "--blur", "random:5", "--strength", "0.1", "--steps", "5"},
      {"ald", "--inpaint-box", "8,8,16,16", "--steps", "5"},
      {"dps", "--blur", "gaussian:5:1", "--noise", "0.05", "--steps", "5"},
      {"ddnm", "--sr", "2", "--sr-kernel", "average", "--steps", "5"},
      {"ddrm", "--blur", "gaussian:5:1", "--boundary", "circular", "--steps", "5"},
      {"pigdm", "--inpaint-random", "0.5", "--noise", "0.05", "--steps", "5"},
      {"diffpir", "--mri", "2x", "--steps", "5"},
      {"reddiff", "--ct", "20", "--steps", "5"},
      {"repaint", "--inpaint-box", "8,8,16,16", "--steps", "5", "--jump-length", "2", "--resamples",
       "2"},
  };
  for (const Arguments& command : commands) {
    SCOPED_TRACE(command[0]);
    std::filesystem::remove_all(File("out"));
    const Finished finished = MustRun(OfTwoImages(command));
    EXPECT_THAT(Lines(finished.out),
                ElementsAre(StartsWith("jobs/"),
                            AllOf(HasSubstr("PSNR/dB"), HasSubstr("SSIM"), HasSubstr("RESIDUAL")),
                            StartsWith("0 "), StartsWith("1 "), StartsWith("mean ")));
    EXPECT_EQ(ReadPicture(File("out/0001.png")).width, 32);
    EXPECT_TRUE(Exists("out/measurement.npy"));
    // Truth, measurement and result of two images, each 32 x 4 pixels wide.
    const Image sheet = ReadPicture(File("out/contact_sheet.png"));
    EXPECT_EQ(sheet.width, 3 * 130 + 2);
    EXPECT_EQ(sheet.height, 2 * 130 + 2);
  }
}

TEST_F(RestoreTest, MeasurementThatWasWrittenCanBeGiven) {
  MustRun(OfTwoImages({"ddnm", "--sr", "4", "--sr-kernel", "average", "--steps", "3"}));
  const Finished finished =
      MustRun({"ddnm", "--measurement", File("out/measurement.npy"), "--sr", "4", "--sr-kernel",
               "average", "--steps", "3", "--seed", "1", "--out", File("again")});
  EXPECT_EQ(ReadFile(File("out/0000.png")), ReadFile(File("again/0000.png")));
  EXPECT_EQ(ReadFile(File("out/0001.png")), ReadFile(File("again/0001.png")));
}

TEST_F(RestoreTest, PicturesOfTheMeasurementCanBeGiven) {
  const Finished finished = MustRun({"dps", TestImage(0), "--identity", "--steps", "3",
                                     "--reference", TestImage(0), "--out", File("out")});
  EXPECT_THAT(finished.out, HasSubstr("PSNR/dB"));
  EXPECT_TRUE(Exists("out/0000.png"));
}

TEST_F(RestoreTest, SeveralResultsBringTheirMeanAndDeviation) {
  MustRun(OfTwoImages({"ddrm", "--inpaint-box", "8,8,16,16", "--steps", "3", "--samples", "3"}));
  EXPECT_TRUE(Exists("out/0005.png"));
  EXPECT_FALSE(Exists("out/0006.png"));
  EXPECT_EQ(ReadPicture(File("out/mean_0001.png")).width, 32);
  EXPECT_EQ(ReadPicture(File("out/deviation_0001.png")).width, 32);
  EXPECT_THAT(ReadFile(File("out/deviation.npy")), HasSubstr("'shape': (2, 1, 32, 32)"));
}

TEST_F(RestoreTest, DetachedJobBringsTheSameFiles) {
  Arguments arguments = OfTwoImages({"ddnm", "--subsample", "2", "--steps", "3", "--detach"});
  const std::string name = Lines(MustRun(arguments).out).at(0);
  MustRun({"watch", name, "--out", File("watched")});
  EXPECT_TRUE(Exists("watched/measurement.npy"));
  // The truth is not there: two pictures an image.
  EXPECT_EQ(ReadPicture(File("watched/contact_sheet.png")).width, 2 * 130 + 2);
}

TEST_F(RestoreTest, GuideIsEdited) {
  MustRun({"sdedit", TestImage(2), "--strength", "0.2", "--steps", "4", "--out", File("out.png")});
  EXPECT_EQ(ReadPicture(File("out.png")).width, 32);
}

TEST_F(RestoreTest, OperatorThatAMethodCannotServeIsRefusedByName) {
  const Finished finished = Run(OfTwoImages({"ddrm", "--phase-retrieval"}));
  EXPECT_EQ(finished.exit_code, kUsage);
  EXPECT_THAT(finished.err, HasSubstr("ddrm"));
  EXPECT_EQ(Run(OfTwoImages({"dps"})).exit_code, kUsage);
}

class EvaluateTest : public RestoreTest {
 protected:
  // Two methods on a problem that one of them cannot serve, and one both can.
  Finished Evaluate(const Arguments& more = {}) {
    Arguments arguments = {"evaluate",
                           TWEEDIE_SOURCE_DIR "/data/fashion-mnist-test",
                           "--out",
                           File("results"),
                           "--images",
                           "2",
                           "--noise",
                           "0.05",
                           "--methods",
                           "dps --steps 4",
                           "ddrm --steps 4",
                           "--operators",
                           "inpaint-box 8,8,16,16",
                           "phase-retrieval"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return MustRun(arguments);
  }
  size_t NumJobs() { return Objects(MustRun({"list", "--limit", "0", "--json"})).size(); }
};

TEST_F(EvaluateTest, WritesTablesPlotsAndPictures) {
  const Finished finished = Evaluate();
  EXPECT_THAT(finished.out,
              AllOf(HasSubstr("## inpaint-box 8,8,16,16, noise 0.05"), HasSubstr("(measurement)"),
                    HasSubstr("| dps --steps 4 | "), HasSubstr("| ddrm --steps 4 | ")));
  EXPECT_THAT(finished.err, HasSubstr("refused: "));
  EXPECT_THAT(Lines(ReadFile(File("results/results.csv"))), SizeIs(1 + 3 * 2));
  EXPECT_THAT(Lines(ReadFile(File("results/summary.csv"))), SizeIs(1 + 4));
  EXPECT_THAT(ReadFile(File("results/report.md")), HasSubstr("psnr.svg"));
  EXPECT_THAT(ReadFile(File("results/psnr.svg")), HasSubstr("ddrm"));
  EXPECT_TRUE(Exists("results/steps-inpaint-box-8-8-16-16-noise-0.05.svg"));
  // Truth, measurement and two methods of two images.
  EXPECT_EQ(ReadPicture(File("results/images-inpaint-box-8-8-16-16-noise-0.05.png")).height,
            4 * 130 + 2);
}

TEST_F(EvaluateTest, SecondRunMakesNoJobsAndTheSameReport) {
  Evaluate({"--seed", "2"});
  const std::string csv = ReadFile(File("results/results.csv"));
  const size_t jobs = NumJobs();
  Evaluate({"--seed", "2"});
  EXPECT_EQ(NumJobs(), jobs);
  EXPECT_EQ(ReadFile(File("results/results.csv")), csv);
}

TEST_F(EvaluateTest, JobsOfALostFolderAreFoundOnTheServer) {
  Evaluate({"--seed", "3"});
  const std::string csv = ReadFile(File("results/results.csv"));
  const size_t jobs = NumJobs();
  std::filesystem::remove_all(File("results"));
  Evaluate({"--seed", "3"});
  EXPECT_EQ(NumJobs(), jobs);
  EXPECT_EQ(ReadFile(File("results/results.csv")), csv);
}

TEST_F(EvaluateTest, ParallelJobsBringTheSameResults) {
  Evaluate({"--seed", "4"});
  const std::string csv = ReadFile(File("results/results.csv"));
  std::filesystem::remove_all(File("results"));
  for (const auto& job : Objects(MustRun({"list", "--limit", "0", "--json"}))) {
    if (absl::StartsWith(job.at("name").get<std::string>(), "jobs/evaluate-")) {
      MustRun({"delete", job.at("name").get<std::string>()});
    }
  }
  Evaluate({"--seed", "4", "--parallel", "3"});
  EXPECT_EQ(ReadFile(File("results/results.csv")), csv);
}

TEST_F(EvaluateTest, PlanFileSaysTheSame) {
  std::ofstream(File("plan.json")) << R"({"images": 2, "seed": 5, "noise": [0],
      "operators": [{"name": "box", "options": "inpaint-box 8,8,16,16"}],
      "methods": [{"name": "DDRM", "options": "ddrm --steps 3", "images": 1}]})";
  const Finished finished = MustRun({"evaluate", TestImage(0), TestImage(1), "--plan",
                                     File("plan.json"), "--out", File("results"), "--json"});
  const std::vector<nlohmann::json> jobs = Objects(finished);
  ASSERT_THAT(jobs, SizeIs(1));
  EXPECT_EQ(jobs[0].at("labels").at("evaluate.method"), "DDRM");
  EXPECT_EQ(jobs[0].at("metrics").size(), 1);
}

}  // namespace
}  // namespace tweedie
