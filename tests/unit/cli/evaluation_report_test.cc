#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/cli/evaluation/plots.h"
#include "client/cli/evaluation/report.h"
#include "client/cli/evaluation/report_files.h"
#include "client/cli/local_file.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_folder.h"

namespace tweedie::cli {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

Image Dot(uint16_t v) { return Image{1, 1, 1, 255, {v}}; }

// Two images of 20 and 22 dB in 3 s.
Outcome Succeeded(const std::string& method, const std::string& noise) {
  Outcome outcome;
  outcome.cell.method = method;
  outcome.cell.forward_operator = "box";
  outcome.cell.noise = noise;
  v1::Job& job = outcome.result.job;
  job.set_name("jobs/" + method);
  job.set_state(v1::Job::SUCCEEDED);
  job.set_num_images(2);
  job.mutable_start_time()->set_seconds(100);
  job.mutable_end_time()->set_seconds(103);
  job.mutable_progress()->set_num_steps(50);
  job.add_metrics()->set_psnr(20);
  job.add_metrics()->set_psnr(22);
  job.mutable_metrics(0)->set_residual(0.5);
  outcome.result.curve = {{1, 10}, {50, 21}};
  outcome.result.results = {Dot(100), Dot(200)};
  outcome.result.measured = {Dot(0), Dot(255)};
  return outcome;
}

Outcome Refused(const std::string& method) {
  Outcome outcome;
  outcome.cell.method = method;
  outcome.cell.forward_operator = "box";
  outcome.cell.noise = "0";
  outcome.result.refusal = "box | has no \"spectrum\", sorry";
  return outcome;
}

TEST(SummaryTest, TakesMeansOfWhatWasMeasuredAndTimeByImage) {
  const Summary summary = SummaryOf(Succeeded("a", "0").result.job);
  EXPECT_EQ(summary.psnr.mean, 21);
  EXPECT_EQ(summary.psnr.error, 1);
  EXPECT_EQ(summary.residual.count, 1);
  EXPECT_EQ(summary.ssim.count, 0);
  EXPECT_EQ(summary.seconds_per_image, 1.5);
}

TEST(GroupByProblemTest, KeepsTheOrderOfProblemsAndMethods) {
  const std::vector<Outcome> outcomes = {Succeeded("a", "0"), Succeeded("b", "0"),
                                         Succeeded("a", "0.1")};
  const std::vector<Problem> problems = GroupByProblem(outcomes);
  ASSERT_THAT(problems, SizeIs(2));
  EXPECT_EQ(problems[0].name, "box, noise 0");
  EXPECT_THAT(problems[0].outcomes, ElementsAre(&outcomes[0], &outcomes[1]));
  EXPECT_THAT(problems[1].outcomes, ElementsAre(&outcomes[2]));
}

TEST(ReportTest, MarkdownHasARowAMethodAndOneOfTheMeasurement) {
  // 128/255 and 127/255 off: 5.99 and 6.05 dB.
  EXPECT_EQ(ReportMarkdown({Succeeded("a", "0"), Refused("b")}, {Dot(128), Dot(128)}),
            "## box, noise 0\n\n"
            "| Method | PSNR/dB | SSIM | LPIPS | Residual | n | s/image |\n"
            "|---|---|---|---|---|---|---|\n"
            "| (measurement) | 6.02 ± 0.03 | | | | 2 | |\n"
            "| a | 21.00 ± 1.00 | - | - | 0.500 | 2 | 1.50 |\n"
            "| b | - | - | - | - | 0 | - |\n"
            "\nb: box | has no \"spectrum\", sorry\n");
}

TEST(ReportTest, MeasurementsOfAnotherSizeAreNotCompared) {
  Outcome outcome = Succeeded("a", "0");
  outcome.result.measured = {Image{2, 1, 1, 255, {0, 0}}};
  EXPECT_THAT(ReportMarkdown({outcome}, {Dot(1), Dot(1)}), Not(HasSubstr("(measurement)")));
}

TEST(ReportTest, CsvHasARowAnImage) {
  EXPECT_EQ(ResultsCsv({Succeeded("a, b", "0"), Refused("c")}),
            "operator,noise,method,image,psnr,ssim,lpips,residual\n"
            "box,0,\"a, b\",0,20,,,0.5\n"
            "box,0,\"a, b\",1,22,,,\n");
}

TEST(ReportTest, SummaryHasARowACellAndTheCauseOfGaps) {
  Outcome failed = Succeeded("d", "0");
  failed.result.job.set_state(v1::Job::FAILED);
  failed.result.job.mutable_error()->set_message("not finite");
  failed.result.job.clear_metrics();
  EXPECT_EQ(SummaryCsv({Succeeded("a", "0"), Refused("c"), failed}),
            "operator,noise,method,n,psnr,psnr_error,ssim,ssim_error,lpips,lpips_error,residual,"
            "residual_error,seconds_per_image,job,problem\n"
            "box,0,a,2,21,1,,,,,0.5,,1.5,jobs/a,\n"
            "box,0,c,0,,,,,,,,,,,\"box | has no \"\"spectrum\"\", sorry\"\n"
            "box,0,d,0,,,,,,,,,,jobs/d,failed: not finite\n");
}

TEST(PlotsTest, EveryMethodWithValuesIsShown) {
  const std::vector<Outcome> outcomes = {Succeeded("a<b", "0"), Refused("c"), Succeeded("d", "1")};
  EXPECT_THAT(PsnrByMethodSvg(outcomes),
              AllOf(StartsWith("<svg"), HasSubstr("a&lt;b"), HasSubstr("box, noise 1")));
  EXPECT_THAT(PsnrByStepSvg(GroupByProblem(outcomes)[0]),
              AllOf(HasSubstr("polyline"), HasSubstr("box, noise 0")));
  EXPECT_EQ(PsnrByMethodSvg({Refused("c")}), "");
}

TEST(PlotsTest, ComparisonHasRowsOfTruthMeasurementAndMethods) {
  const std::vector<Outcome> outcomes = {Succeeded("a", "0"), Refused("b"), Succeeded("c", "0")};
  const Problem problem = GroupByProblem(outcomes)[0];
  EXPECT_THAT(ComparisonRows(problem), ElementsAre("truth", "measurement", "a", "c"));
  ASSERT_OK_AND_ASSIGN(const std::string png, ComparisonPng(problem, {Dot(1), Dot(2)}));
  ASSERT_OK_AND_ASSIGN(const Image sheet, DecodeImage(png));
  EXPECT_EQ(sheet.width, 2 * 130 + 2);
  EXPECT_EQ(sheet.height, 4 * 130 + 2);
}

TEST(PlotsTest, FileStemsAreHarmless) {
  EXPECT_EQ(FileStem("box, noise 0.05"), "box-noise-0.05");
  EXPECT_EQ(FileStem("--blur ../Gaussian:9:2"), "blur-..-gaussian-9-2");
  EXPECT_EQ(FileStem("//"), "");
}

TEST(ReportFilesTest, ReportLinksWhatIsThere) {
  const TempFolder folder;
  ASSERT_OK(WriteReport(folder.path(), {Succeeded("a", "0"), Refused("b")}, {Dot(1), Dot(2)}));
  EXPECT_THAT(
      *ReadLocalFile(folder.File("report.md")),
      AllOf(HasSubstr("| a | 21.00"), HasSubstr("(psnr.svg)"), HasSubstr("(steps-box-noise-0.svg)"),
            HasSubstr("rows: truth, measurement, a](images-box-noise-0.png)")));
  for (const char* name : {"results.csv", "summary.csv", "psnr.svg", "steps-box-noise-0.svg",
                           "images-box-noise-0.png"}) {
    EXPECT_OK(ReadLocalFile(folder.File(name)));
  }
}

}  // namespace
}  // namespace tweedie::cli
