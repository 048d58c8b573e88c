// What jobs bring: images, sheets, animations, metrics and JSON.
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "tests/e2e/cli_test.h"

namespace tweedie {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

constexpr char kImages[] = TWEEDIE_SOURCE_DIR "/data/fashion-mnist-test/";

class ResultsTest : public CliTest {
 protected:
  // A quick sampling command, with `more`.
  static std::vector<std::string> Sample(const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {"sample", "--process", "ddim", "--steps", "4"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }
};

TEST_F(ResultsTest, SampleWritesEveryImageAndASheet) {
  const Finished finished = MustRun(Sample({"-n", "3", "--out", File("out")}));
  EXPECT_THAT(Lines(finished.out), ElementsAre(StartsWith("jobs/")));
  EXPECT_THAT(finished.err, AllOf(HasSubstr("succeeded: 3 images"), HasSubstr(File("out"))));
  for (const char* name : {"out/0000.png", "out/0001.png", "out/0002.png"}) {
    const Image image = ReadPicture(File(name));
    EXPECT_EQ(image.width, 32);
    EXPECT_EQ(image.height, 32);
    EXPECT_EQ(image.channels, 1);
  }
  EXPECT_GT(ReadPicture(File("out/contact_sheet.png")).width, 2 * 32);
  EXPECT_FALSE(std::filesystem::exists(File("out/0003.png")));
}

TEST_F(ResultsTest, ImagesFollowFromTheSeed) {
  for (const auto& [seed, out] : {std::pair{"1", "a.png"}, {"1", "b.png"}, {"2", "c.png"}}) {
    MustRun(Sample({"--seed", seed, "--out", File(out)}));
  }
  EXPECT_EQ(ReadFile(File("a.png")), ReadFile(File("b.png")));
  EXPECT_NE(ReadFile(File("a.png")), ReadFile(File("c.png")));
  EXPECT_EQ(ReadPicture(File("a.png")).width, 32);
}

TEST_F(ResultsTest, FramesBecomeAnAnimation) {
  const Finished finished =
      MustRun(Sample({"-n", "2", "--frames", File("frames"), "--frame-interval", "2"}));
  EXPECT_THAT(finished.err, HasSubstr("animation.png"));
  EXPECT_GT(ReadPicture(File("frames/step_0002.png")).width, 32);
  EXPECT_GT(ReadPicture(File("frames/step_0004.png")).width, 32);
  EXPECT_FALSE(std::filesystem::exists(File("frames/step_0001.png")));
  EXPECT_THAT(ReadFile(File("frames/animation.png")), HasSubstr("acTL"));
}

TEST_F(ResultsTest, EveryLineOfJsonIsAnObjectAndTheLastIsTheJob) {
  const std::vector<nlohmann::json> objects =
      Objects(MustRun(Sample({"--seed", "5", "--label", "a=b", "--json"})));
  ASSERT_THAT(objects, SizeIs(::testing::Ge(2)));
  for (size_t i = 0; i + 1 < objects.size(); ++i) {
    EXPECT_TRUE(objects[i].contains("sequence")) << objects[i];
  }
  const nlohmann::json& job = objects.back();
  EXPECT_EQ(job.at("state"), "SUCCEEDED");
  EXPECT_EQ(job.at("seed"), "5");  // 64 bits are a string in protobuf's JSON
  EXPECT_EQ(job.at("labels").at("a"), "b");
  EXPECT_EQ(job.at("sample").at("process").at("num_steps"), 4);
}

// Not ten a second, as people are told.
TEST_F(ResultsTest, JsonTellsEachStep) {
  constexpr int kSteps = 60;
  int told = 0;
  for (const nlohmann::json& event :
       Objects(MustRun({"sample", "--steps", absl::StrCat(kSteps), "--json"}))) {
    if (event.contains("progress") && event.contains("sequence")) ++told;
  }
  EXPECT_GT(told, kSteps / 2) << "some are made before it watches, or merged";
}

TEST_F(ResultsTest, DenoiseReportsPsnrOfRealImages) {
  const std::string first = std::string(kImages) + "0000.png";
  const std::string second = std::string(kImages) + "0001.png";
  const std::vector<std::string> arguments = {"denoise", first,         second,   "--timestep",
                                              "100",     "--add-noise", "--seed", "1"};
  EXPECT_THAT(Lines(MustRun(arguments).out),
              ElementsAre(StartsWith("jobs/"), AllOf(HasSubstr("PSNR/dB"), HasSubstr("SSIM")),
                          StartsWith("0 "), StartsWith("1 "), StartsWith("mean ")));

  std::vector<std::string> as_json = arguments;
  as_json.insert(as_json.end(), {"--json", "--out", File("out")});
  const nlohmann::json job = Objects(MustRun(as_json)).back();
  ASSERT_EQ(job.at("metrics").size(), 2);
  for (const nlohmann::json& metrics : job.at("metrics")) {
    EXPECT_GT(metrics.at("psnr"), 22);  // 12.4 dB of noise came in
    EXPECT_LT(metrics.at("psnr"), 45);
  }
  EXPECT_EQ(ReadPicture(File("out/0001.png")).width, 32);
}

TEST_F(ResultsTest, DenoiseRunsAProcessIfOneIsAskedFor) {
  const Finished finished =
      MustRun({"denoise", std::string(kImages) + "0000.png", "--sigma", "0.5", "--reference",
               std::string(kImages) + "0000.png", "--process", "ddim", "--steps", "3", "--json"});
  const nlohmann::json job = Objects(finished).back();
  EXPECT_EQ(job.at("progress").at("num_steps"), 3);
  EXPECT_EQ(job.at("metrics").size(), 1);
}

TEST_F(ResultsTest, OutputThatIsNoTerminalHasPlainLines) {
  const Finished finished = MustRun({"sample", "--process", "ddim", "--steps", "60", "-n", "2"});
  for (const std::string& text : {finished.out, finished.err}) {
    EXPECT_THAT(Lines(text),
                AllOf(Not(IsEmpty()), Each(Not(HasSubstr("\r"))), Each(Not(HasSubstr("\x1b")))));
  }
  EXPECT_THAT(finished.err, HasSubstr("running: "));
}

}  // namespace
}  // namespace tweedie
