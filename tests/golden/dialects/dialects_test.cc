// The dialects against the projects' own code: tools/golden/dialects.py wrote the
// fixtures.
#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "core/base/file.h"
#include "core/diffusion/row_parallel_denoiser.h"
#include "core/diffusion/unet_denoiser.h"
#include "core/weights/diffusers_writer.h"
#include "core/weights/model.h"
#include "core/weights/safetensors.h"
#include "tests/testing/made_weights.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_folder.h"

namespace tweedie {
namespace {

namespace fs = std::filesystem;

constexpr double kTolerance = 2e-5;  // of the largest value

// Largest difference over largest value.
double RelativeError(const at::Tensor& actual, const at::Tensor& expected) {
  return actual.sub(expected).abs().max().item<double>() / expected.abs().max().item<double>();
}

// Networks that UNet2DModel cannot be: other blocks, heads by their number at several
// widths, scaled timesteps, a first level of another width than the embedding's.
bool HasNoDiffusersNetwork(absl::string_view fixture) {
  constexpr absl::string_view kOthers[] = {"guided-defaults", "guided-512", "guided-plain",
                                           "guided-new-order"};
  return absl::StartsWith(fixture, "ddp-") || absl::StartsWith(fixture, "improved-") ||
         std::find(std::begin(kOthers), std::end(kOthers), fixture) != std::end(kOthers);
}

std::string Read(const fs::path& path) { return *ReadFile(path.string(), int64_t{1} << 24); }

// A golden network: its weights, made by the formula, and its settings, in a
// folder as the server loads it.
class DialectFixture {
 public:
  explicit DialectFixture(const std::string& name) {
    const fs::path fixture = fs::path(TWEEDIE_SOURCE_DIR) / "tests/golden/dialects/v1" / name;
    io = ParseSafetensors(Read(fixture / "io.safetensors"))->tensors;
    TensorFile weights;
    weights.tensors = MadeTensors(Read(fixture / "tensors.json"));
    for (const auto& [key, tensor] : io) {
      if (absl::StartsWith(key, "file:")) weights.tensors[key.substr(5)] = tensor;
    }
    for (const auto& entry : fs::directory_iterator(fixture)) {
      const std::string file = entry.path().filename().string();
      if (file == "io.safetensors" || file == "tensors.json") continue;
      fs::copy(entry.path(), folder.File(file));
    }
    EXPECT_OK(WriteFileDurably(folder.File("tiny.safetensors"), SerializeSafetensors(weights)));
    const at::Tensor x_shape = io.at("x_shape");
    const std::vector<int64_t> shape(x_shape.const_data_ptr<int64_t>(),
                                     x_shape.const_data_ptr<int64_t>() + x_shape.numel());
    input = {MadeValues("x", shape, 1.7, 0), io.at("t"), io["class_labels"]};
  }

  TempFolder folder;
  std::map<std::string, at::Tensor> io;
  DenoiserInput input;
};

class DialectGoldenTest : public testing::TestWithParam<const char*> {
 protected:
  DialectGoldenTest() : fixture_(GetParam()), io_(fixture_.io), input_(fixture_.input) {}
  void SetUp() override {
    ASSERT_OK_AND_ASSIGN(model_, LoadModel(GetParam(), fixture_.folder.path()));
  }

  DialectFixture fixture_;
  std::map<std::string, at::Tensor>& io_;
  const DenoiserInput& input_;
  std::shared_ptr<const LoadedModel> model_;
};

TEST_P(DialectGoldenTest, OutputIsThatOfTheProject) {
  const at::Tensor expected = io_.at("output");
  UnetDenoiser denoiser(model_->network, at::kCPU);
  const at::Tensor output = denoiser.Predict(input_);
  ASSERT_EQ(output.sizes(), expected.sizes());
  const double error = RelativeError(output, expected);
  EXPECT_LT(error, kTolerance);
  RecordProperty("relative_error", absl::StrCat(error));
}

TEST_P(DialectGoldenTest, RowByRowOutputIsThatOfTheProject) {
  const at::Tensor expected = io_.at("output");
  RowParallelDenoiser denoiser(model_->network, std::make_shared<RowPool>(2));
  EXPECT_LT(RelativeError(denoiser.Predict(input_), expected), kTolerance);
}

TEST_P(DialectGoldenTest, GradientIsThatOfTheProject) {
  const RowLoss squares = [](int64_t /*first_row*/, const at::Tensor& /*x*/,
                             const at::Tensor& prediction) {
    return prediction.flatten(1).square().sum(1);
  };
  UnetDenoiser batched(model_->network, at::kCPU);
  EXPECT_LT(RelativeError(batched.PredictWithGradient(input_, squares).gradient, io_["gradient"]),
            kTolerance);
  RowParallelDenoiser rows(model_->network, std::make_shared<RowPool>(2));
  EXPECT_LT(RelativeError(rows.PredictWithGradient(input_, squares).gradient, io_["gradient"]),
            kTolerance);
}

TEST_P(DialectGoldenTest, LevelsAreThoseOfTheProject) {
  const at::Tensor levels = io_.at("levels"), alpha_bar = io_.at("alpha_bar");
  const NoiseSchedule& schedule = model_->diffusion->schedule;
  ASSERT_EQ(schedule.num_timesteps(), levels.max().item<int64_t>() + 1);
  for (int64_t i = 0; i < levels.numel(); ++i) {
    const double expected = alpha_bar[i].item<double>();
    EXPECT_NEAR(schedule.alpha_bar(static_cast<int>(levels[i].item<int64_t>())), expected,
                1e-10 * expected);
  }
}

TEST_P(DialectGoldenTest, ModelSaysWhatItsFilesSay) {
  EXPECT_EQ(model_->diffusion->image_shape[0], input_.x.size(1));
  EXPECT_EQ(model_->diffusion->learned_variance, io_["output"].size(1) == 2 * input_.x.size(1));
  EXPECT_EQ(model_->diffusion->num_classes > 0, input_.class_labels.defined());
}

// Of what diffusers has no network for, conversion says so, and leaves nothing.
TEST_P(DialectGoldenTest, ConvertedToDiffusersItIsTheSameModel) {
  const std::string out = fixture_.folder.File("converted");
  const absl::Status written = WriteDiffusersFolder(*model_, out);
  if (HasNoDiffusersNetwork(GetParam())) {
    EXPECT_THAT(written,
                StatusIs(absl::StatusCode::kFailedPrecondition, testing::HasSubstr("UNet2DModel")));
    EXPECT_FALSE(fs::exists(out));
    return;
  }
  ASSERT_OK(written);
  ASSERT_OK_AND_ASSIGN(const auto converted, LoadModel("converted", out));
  EXPECT_EQ(converted->dialect, "diffusers");
  const at::Tensor before = UnetDenoiser(model_->network, at::kCPU).Predict(input_);
  EXPECT_TRUE(at::equal(UnetDenoiser(converted->network, at::kCPU).Predict(input_), before));
  const NoiseSchedule &old = model_->diffusion->schedule, &now = converted->diffusion->schedule;
  ASSERT_EQ(now.num_timesteps(), old.num_timesteps());
  for (int t = 0; t < old.num_timesteps(); ++t) EXPECT_EQ(now.alpha_bar(t), old.alpha_bar(t));
  EXPECT_EQ(converted->diffusion->scheduler.variance, model_->diffusion->scheduler.variance);
  EXPECT_EQ(converted->diffusion->num_classes, model_->diffusion->num_classes);
  EXPECT_THAT(WriteDiffusersFolder(*model_, out),
              StatusIs(absl::StatusCode::kAlreadyExists, testing::HasSubstr(out)));
}

INSTANTIATE_TEST_SUITE_P(Fixtures, DialectGoldenTest,
                         testing::Values("guided-defaults", "guided-dps-ffhq", "guided-imagenet-64",
                                         "guided-512", "guided-plain", "guided-new-order",
                                         "guided-ddrm", "improved-cifar-10", "improved-imagenet-64",
                                         "improved-plain", "ho-cifar-10", "ho-celeba-hq",
                                         "ho-quadratic", "ddp-2-defaults", "ddp-2-attention",
                                         "ddp-2-bare", "ddp-1-memory", "ddp-1-no-memory",
                                         "ddp-1-standardised", "ddp-0-strided"),
                         [](const testing::TestParamInfo<const char*>& test) {
                           return absl::StrReplaceAll(test.param, {{"-", "_"}, {".", "_"}});
                         });

// A setting that no shape tells, with another value than the network was made by.
struct WrongSetting {
  const char* fixture;
  const char* key;
  nlohmann::json value;
};

class WrongSettingTest : public testing::TestWithParam<WrongSetting> {};

// Nothing can find it out but a look at the images: hence the assumptions.
TEST_P(WrongSettingTest, LoadsAndComputesSomethingElse) {
  const DialectFixture fixture(GetParam().fixture);
  const std::string path = fixture.folder.File("model.json");
  nlohmann::json settings = nlohmann::json::parse(Read(path));
  settings["diffusion"].erase(GetParam().key);
  settings["network"][GetParam().key] = GetParam().value;
  ASSERT_OK(WriteFileDurably(path, settings.dump()));
  ASSERT_OK_AND_ASSIGN(const auto model, LoadModel("wrong", fixture.folder.path()));
  UnetDenoiser denoiser(model->network, at::kCPU);
  EXPECT_GT(RelativeError(denoiser.Predict(fixture.input), fixture.io.at("output")), 1e-3);
}

INSTANTIATE_TEST_SUITE_P(
    Settings, WrongSettingTest,
    testing::Values(WrongSetting{"guided-defaults", "num_heads", 2},
                    WrongSetting{"guided-defaults", "num_heads_upsample", 8},
                    WrongSetting{"guided-defaults", "use_new_attention_order", true},
                    WrongSetting{"guided-new-order", "use_new_attention_order", false},
                    WrongSetting{"guided-imagenet-64", "num_head_channels", 32},
                    WrongSetting{"guided-plain", "rescale_timesteps", false},
                    WrongSetting{"improved-cifar-10", "rescale_timesteps", false},
                    WrongSetting{"improved-plain", "num_heads", 4},
                    WrongSetting{"ddp-1-no-memory", "attn_heads", 4},
                    WrongSetting{"ddp-1-memory", "resnet_block_groups", 8},
                    WrongSetting{"ddp-2-bare", "sinusoidal_pos_emb_theta", 1000}),
    [](const testing::TestParamInfo<WrongSetting>& test) {
      return absl::StrReplaceAll(absl::StrCat(test.param.fixture, "_", test.param.key),
                                 {{"-", "_"}});
    });

}  // namespace
}  // namespace tweedie
