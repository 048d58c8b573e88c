// The dialects against the projects' own code: tools/golden/dialects.py wrote the
// fixtures.
#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "core/base/file.h"
#include "core/diffusion/row_parallel_denoiser.h"
#include "core/diffusion/unet_denoiser.h"
#include "core/nn/network.h"
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
// widths, scaled timesteps.
bool HasNoDiffusersNetwork(absl::string_view fixture) {
  return absl::StartsWith(fixture, "ddp-") || absl::StartsWith(fixture, "improved-");
}

std::string Read(const fs::path& path) { return *ReadFile(path.string(), int64_t{1} << 24); }

class DialectGoldenTest : public testing::TestWithParam<const char*> {
 protected:
  // Writes the weights that the fixture describes, and loads the folder as the
  // server does.
  void SetUp() override {
    const fs::path fixture = fs::path(TWEEDIE_SOURCE_DIR) / "tests/golden/dialects/v1" / GetParam();
    ASSERT_OK_AND_ASSIGN(TensorFile io, ParseSafetensors(Read(fixture / "io.safetensors")));
    TensorFile weights;
    weights.tensors = MadeTensors(Read(fixture / "tensors.json"));
    for (const auto& [name, tensor] : io.tensors) {
      if (absl::StartsWith(name, "file:")) weights.tensors[name.substr(5)] = tensor;
    }
    for (const auto& entry : fs::directory_iterator(fixture)) {
      const std::string name = entry.path().filename().string();
      if (name != "io.safetensors" && name != "tensors.json") {
        fs::copy(entry.path(), folder_.File(name));
      }
    }
    ASSERT_OK(WriteFileDurably(folder_.File("tiny.safetensors"), SerializeSafetensors(weights)));
    ASSERT_OK_AND_ASSIGN(model_, LoadModel(GetParam(), folder_.path()));
    io_ = io.tensors;
    const at::Tensor x_shape = io_.at("x_shape");
    const std::vector<int64_t> shape(x_shape.const_data_ptr<int64_t>(),
                                     x_shape.const_data_ptr<int64_t>() + x_shape.numel());
    input_ = {MadeValues("x", shape, 1.7, 0), io_.at("t"), io_["class_labels"]};
  }

  TempFolder folder_;
  std::shared_ptr<const LoadedModel> model_;
  std::map<std::string, at::Tensor> io_;
  DenoiserInput input_;
};

TEST_P(DialectGoldenTest, OutputIsThatOfTheProject) {
  const at::Tensor expected = io_.at("output");
  UnetDenoiser denoiser(model_->network, at::kCPU);
  const at::Tensor output = denoiser.Predict(input_);
  ASSERT_EQ(output.sizes(), expected.sizes());
  const double error = RelativeError(output, expected);
  EXPECT_LT(error, kTolerance);
  RecordProperty("relative_error", absl::StrCat(error));
  std::printf("%s: relative error %.2g\n", GetParam(), error);
}

TEST_P(DialectGoldenTest, RowByRowOutputIsThatOfTheProject) {
  const at::Tensor expected = io_.at("output");
  RowParallelDenoiser denoiser(model_->network, std::make_shared<RowPool>(2));
  EXPECT_LT(RelativeError(denoiser.Predict(input_), expected), kTolerance);
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
  std::printf("%s: %s; assumes: %s\n", GetParam(), model_->dialect.c_str(),
              absl::StrJoin(model_->assumptions, "; ").c_str());
}

// Of what diffusers has no network for, conversion says so, and leaves nothing.
TEST_P(DialectGoldenTest, ConvertedToDiffusersItIsTheSameModel) {
  const std::string out = folder_.File("converted");
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

}  // namespace
}  // namespace tweedie
