#include "server/model_tools/inspect.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_folder.h"

namespace tweedie {
namespace {

namespace fs = std::filesystem;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr char kDefault[] = TWEEDIE_SOURCE_DIR "/models/fashion-mnist-32";

struct Inspected {
  absl::Status status;
  std::vector<std::string> lines;
};

Inspected Inspect(const std::string& path, bool tensors = true) {
  Inspected inspected;
  inspected.status = InspectModel(
      path, tensors, [&](absl::string_view line) { inspected.lines.emplace_back(line); });
  return inspected;
}

TEST(InspectTest, TellsAllOfAModel) {
  const Inspected inspected = Inspect(kDefault);
  ASSERT_OK(inspected.status);
  for (const char* line : {"container: safetensors", "dialect: diffusers", "parameters: 1623169",
                           "images: 1x32x32", "timesteps: 1000", "classes: 0"}) {
    EXPECT_THAT(inspected.lines, Contains(line));
  }
  EXPECT_THAT(inspected.lines, Contains(StartsWith("sha256: ")));
  EXPECT_THAT(inspected.lines, Contains(StartsWith("  conv_in.weight Float [")));
  EXPECT_THAT(inspected.lines, Contains(HasSubstr("\"block_out_channels\"")));
  EXPECT_THAT(Inspect(kDefault, /*tensors=*/false).lines, Not(Contains(HasSubstr("conv_in"))));
}

// What the file itself says is told of a model that does not fit, too.
TEST(InspectTest, TellsWhatDoesNotFit) {
  const TempFolder folder;
  fs::copy(kDefault, folder.File("m"));
  std::ofstream(folder.File("m/config.json"))
      << R"({"sample_size": 32, "in_channels": 1, "out_channels": 1, "layers_per_block": 1,
             "block_out_channels": [32], "down_block_types": ["DownBlock2D"],
             "up_block_types": ["UpBlock2D"]})";
  const Inspected inspected = Inspect(folder.File("m"));
  EXPECT_THAT(inspected.status,
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("of another shape")));
  EXPECT_THAT(inspected.lines, Contains(StartsWith("  conv_in.weight Float [")));
}

TEST(InspectTest, SaysThatThereIsNothing) {
  const TempFolder folder;
  EXPECT_THAT(Inspect(folder.path()).status,
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("holds no weights")));
  EXPECT_THAT(Inspect(folder.File("none.pt")).status,
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("none.pt")));
}

}  // namespace
}  // namespace tweedie
