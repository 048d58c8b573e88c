#include "core/weights/dialects/dialect.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>

#include "absl/strings/str_cat.h"
#include "core/base/file.h"
#include "core/nn/network.h"
#include "core/weights/safetensors.h"
#include "tests/testing/made_weights.h"
#include "tests/testing/status_matchers.h"

namespace tweedie {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

auto IsInvalid(const testing::Matcher<std::string>& message) {
  return StatusIs(absl::StatusCode::kInvalidArgument, message);
}

// The files of a golden network, which a test changes.
class DialectTest : public testing::Test {
 protected:
  void Use(const std::string& fixture) {
    const std::string folder =
        absl::StrCat(TWEEDIE_SOURCE_DIR, "/tests/golden/dialects/v1/", fixture, "/");
    const auto read = [&](const char* name) { return *ReadFile(folder + name, 1 << 24); };
    tensors_ = MadeTensors(read("tensors.json"));
    const TensorFile io = *ParseSafetensors(read("io.safetensors"));
    for (const auto& [name, tensor] : io.tensors) {
      if (name.rfind("file:", 0) == 0) tensors_[name.substr(5)] = tensor;
    }
    const auto settings = ReadFile(folder + "model.json", 1 << 20);
    settings_ = settings.ok() ? json::parse(*settings) : json::object();
  }
  // Settings without sections mean the same.
  json& Network() { return settings_["network"]; }
  json& Diffusion() { return settings_["diffusion"]; }
  absl::StatusOr<ModelPlan> Plan() const {
    return PlanModel(tensors_, *ParseModelJson(settings_.dump()));
  }
  absl::Status Load() const {
    const auto plan = Plan();
    return plan.ok() ? LoadPlanned(tensors_, *plan) : plan.status();
  }

  Tensors tensors_;
  json settings_ = json::object();
};

TEST_F(DialectTest, FamiliesAreToldByNames) {
  const auto family = [](std::initializer_list<const char*> names) {
    Tensors tensors;
    for (const char* name : names) tensors[name] = at::zeros({1});
    return DetectFamily(tensors);
  };
  EXPECT_EQ(*family({"input_blocks.0.0.weight", "time_embed.0.weight"}), Family::kOpenai);
  EXPECT_EQ(*family({"temb.dense.0.weight", "conv_in.weight"}), Family::kHo);
  EXPECT_EQ(*family({"init_conv.weight", "time_mlp.1.weight"}), Family::kLucidrains);
  EXPECT_EQ(*family({"ema_model.model.init_conv.weight", "ema_model.model.time_mlp.1.weight"}),
            Family::kLucidrains);
  EXPECT_EQ(*family({"conv_in.weight", "time_embedding.linear_1.weight"}), Family::kDiffusers);
  EXPECT_THAT(family({"conv1.weight"}), IsInvalid(HasSubstr("no known network")));
  EXPECT_THAT(family({}), IsInvalid(HasSubstr("no known network")));
}

TEST_F(DialectTest, EveryTensorIsUsed) {
  for (const char* fixture : {"guided-plain", "improved-plain", "ddp-2-defaults"}) {
    Use(fixture);
    EXPECT_OK(Load()) << fixture;
    tensors_["stray.weight"] = at::zeros({2, 3});
    EXPECT_THAT(Load(), IsInvalid(HasSubstr("not known to the network: stray.weight [2, 3]")));
  }
}

TEST_F(DialectTest, MissingTensorsAreNamedAsInTheFile) {
  Use("guided-plain");
  tensors_.erase("input_blocks.1.0.out_layers.0.bias");
  tensors_.erase("middle_block.1.qkv.weight");
  EXPECT_THAT(Load(), IsInvalid(AllOf(HasSubstr("input_blocks.1.0.out_layers.0.bias [32]"),
                                      HasSubstr("middle_block.1.qkv.weight [192, 64]"))));
  tensors_.erase("out.2.weight");
  EXPECT_THAT(Load(), IsInvalid(HasSubstr("missing: out.2.weight")));
}

TEST_F(DialectTest, OtherShapesAreNamedWithBoth) {
  Use("guided-plain");
  tensors_["middle_block.1.qkv.weight"] = at::zeros({190, 64, 1});
  EXPECT_THAT(Load(), IsInvalid(HasSubstr("of another shape: middle_block.1.qkv.weight "
                                          "[190, 64, 1] where the network has [192, 64]")));
  tensors_["input_blocks.0.0.weight"] = at::zeros({});
  EXPECT_THAT(Load(), IsInvalid(HasSubstr("input_blocks.0.0.weight has the shape []")));
}

TEST_F(DialectTest, NothingIsHalfLoaded) {
  Use("guided-plain");
  tensors_["out.2.bias"] = at::full({3}, std::numeric_limits<float>::infinity());
  ASSERT_OK_AND_ASSIGN(const ModelPlan plan, Plan());
  EXPECT_THAT(LoadPlanned(tensors_, plan), IsInvalid(HasSubstr("out.2.bias")));
  for (const at::Tensor& parameter : plan.network->parameters()) {
    EXPECT_EQ(parameter.abs().max().item<float>(), 0);
  }
}

TEST_F(DialectTest, TensorsOfOtherTypesAreRefused) {
  Use("guided-plain");
  tensors_["out.2.bias"] = at::zeros({3}, at::kLong);
  EXPECT_THAT(Load(), IsInvalid(HasSubstr("not floating-point: out.2.bias Long")));
}

TEST_F(DialectTest, SettingsThatContradictTheWeightsAreRefused) {
  Use("guided-plain");
  const auto error = [&](const char* key, const json& value) {
    const json before = settings_;
    Diffusion().erase(key);
    Network()[key] = value;
    const absl::Status status = Load();
    settings_ = before;
    return status;
  };
  EXPECT_THAT(error("num_channels", 64),
              IsInvalid(HasSubstr("num_channels is 64, but the weights say 32")));
  EXPECT_THAT(error("num_res_blocks", 2), IsInvalid(HasSubstr("num_res_blocks is 2")));
  EXPECT_THAT(error("learn_sigma", true), IsInvalid(HasSubstr("learn_sigma is true")));
  EXPECT_THAT(error("class_cond", true), IsInvalid(HasSubstr("class_cond is true")));
  EXPECT_THAT(error("use_scale_shift_norm", true), IsInvalid(HasSubstr("use_scale_shift_norm")));
  EXPECT_THAT(error("resblock_updown", true), IsInvalid(HasSubstr("resblock_updown is true")));
  EXPECT_THAT(error("channel_mult", "1,2,2"),
              IsInvalid(HasSubstr("channel_mult means 32, 64, 64 channels, but the weights have "
                                  "32, 64")));
  EXPECT_THAT(error("channel_mult", ""),
              IsInvalid(HasSubstr("channel_mult means 32, 64, 96, 128")));
  EXPECT_THAT(
      error("attention_resolutions", "64,32"),
      IsInvalid(HasSubstr("there is attention at resolution 32, but the weights have none")));
  EXPECT_THAT(error("attention_resolutions", 32),
              IsInvalid(HasSubstr("no attention at resolution 64, but the weights have it")));
  EXPECT_THAT(error("image_size", 63), IsInvalid(HasSubstr("image_size must be a multiple of 2")));
  EXPECT_THAT(error("num_heads", 3), IsInvalid(HasSubstr("num_heads and num_heads_upsample")));
  EXPECT_THAT(error("num_head_channels", 48),
              IsInvalid(HasSubstr("num_head_channels must divide")));
  EXPECT_THAT(error("num_haeds", 4), IsInvalid(HasSubstr("unknown keys: num_haeds")));
}

TEST_F(DialectTest, SettingsMayBeLeftToTheWeights) {
  Use("guided-dps-ffhq");
  settings_ = {{"network", {{"image_size", 256}, {"num_head_channels", 32}}}};
  ASSERT_OK_AND_ASSIGN(const ModelPlan plan, Plan());
  EXPECT_EQ(plan.dialect, "guided-diffusion") << "told by num_head_channels";
  EXPECT_TRUE(plan.learned_variance);
  EXPECT_EQ(plan.scheduler.variance, Variance::kLearnedRange);
  EXPECT_THAT(plan.assumptions,
              Contains("use_new_attention_order false (guided-diffusion's default)"));
  EXPECT_THAT(plan.assumptions, Contains("noise_schedule linear (guided-diffusion's default)"));
}

TEST_F(DialectTest, WhatNothingTellsMustBeGiven) {
  Use("improved-plain");
  settings_ = json::object();
  EXPECT_THAT(Load(), IsInvalid(HasSubstr("dialect must be given")));
  settings_["dialect"] = "improved-diffusion";
  EXPECT_THAT(Load(), IsInvalid(HasSubstr("image_size must be given")));
  Network()["image_size"] = 32;
  EXPECT_OK(Load());
}

TEST_F(DialectTest, OtherDialectsAreRefused) {
  Use("improved-plain");
  settings_["dialect"] = "pesser";
  EXPECT_THAT(Load(), IsInvalid(HasSubstr("dialect is pesser, but the weights are")));
  Use("guided-dps-ffhq");
  settings_ = {{"dialect", "improved-diffusion"}, {"image_size", 256}};
  EXPECT_THAT(Load(), IsInvalid(HasSubstr("residual resampling")));
  Use("improved-plain");
  settings_ = {
      {"dialect", "improved-diffusion"}, {"image_size", 32}, {"use_new_attention_order", true}};
  EXPECT_THAT(Load(), IsInvalid(HasSubstr("unknown keys: use_new_attention_order")));
}

TEST_F(DialectTest, DiffusionIsThatOfTheArguments) {
  Use("guided-plain");
  ASSERT_OK_AND_ASSIGN(ModelPlan plan, Plan());
  EXPECT_EQ(plan.scheduler.prediction, Prediction::kSample);
  EXPECT_EQ(plan.scheduler.variance, Variance::kFixedLarge);
  EXPECT_EQ(plan.scheduler.spacing, Spacing::kLeading) << "ddim50";
  EXPECT_EQ(plan.scheduler.num_train_timesteps, 500);
  EXPECT_DOUBLE_EQ(plan.scheduler.beta_end, 0.04);
  Use("guided-new-order");
  ASSERT_OK_AND_ASSIGN(plan, Plan());
  EXPECT_EQ(plan.scheduler.prediction, Prediction::kEpsilon);
  EXPECT_EQ(plan.scheduler.spacing, Spacing::kLinspace) << "250";
  Diffusion()["timestep_respacing"] = "10,20";
  ASSERT_OK_AND_ASSIGN(plan, Plan());
  EXPECT_THAT(plan.assumptions, Contains(HasSubstr("timestep_respacing 10,20 is ignored")));
  Diffusion()["steps"] = 100;
  Diffusion()["diffusion_steps"] = 100;
  EXPECT_THAT(Plan(), IsInvalid(HasSubstr("steps and diffusion_steps are the same")));
  Use("improved-plain");
  ASSERT_OK_AND_ASSIGN(plan, Plan());
  EXPECT_EQ(plan.scheduler.variance, Variance::kFixedSmall) << "sigma_small";
}

TEST_F(DialectTest, PortsOfHoNeedOnlyTheirSize) {
  Use("ho-cifar-10");
  EXPECT_THAT(Load(), IsInvalid(HasSubstr("image_size must be given")));
  Network()["image_size"] = 32;
  ASSERT_OK_AND_ASSIGN(const ModelPlan plan, Plan());
  EXPECT_OK(LoadPlanned(tensors_, plan));
  EXPECT_THAT(plan.assumptions, Contains("var_type fixedsmall (pesser's default)"));
  tensors_["logvar"] = at::zeros({1000});
  EXPECT_OK(Load()) << "of the Bayesian variant; sampling does not use it";
  Network()["rescaled"] = false;
  EXPECT_THAT(Load(), IsInvalid(HasSubstr("rescaled false is not supported")));
}

TEST_F(DialectTest, PortsOfHoThatLearnVariancesAreRefused) {
  Use("ho-cifar-10");
  Network()["image_size"] = 32;
  const at::Tensor weight = tensors_["conv_out.weight"], bias = tensors_["conv_out.bias"];
  tensors_["conv_out.weight"] = at::cat({weight, weight});
  tensors_["conv_out.bias"] = at::cat({bias, bias});
  EXPECT_THAT(Load(), IsInvalid(HasSubstr("conv_out.weight has 6 channels for images of 3")));
}

TEST_F(DialectTest, LucidrainsObjectiveIsGivenOrTold) {
  Use("ddp-2-defaults");
  Diffusion().erase("objective");
  ASSERT_OK_AND_ASSIGN(const ModelPlan plan, Plan());
  EXPECT_EQ(plan.scheduler.prediction, Prediction::kV) << "told by loss_weight";
  Diffusion()["objective"] = "pred_noise";
  EXPECT_THAT(Plan(), IsInvalid(HasSubstr("objective is not what the file's loss_weight")));
  Diffusion().erase("objective");
  tensors_.erase("loss_weight");
  EXPECT_THAT(Plan(), IsInvalid(HasSubstr("objective must be given")));
}

TEST_F(DialectTest, LucidrainsScheduleIsTheFilesOrNamed) {
  Use("ddp-2-defaults");
  tensors_["betas"] = tensors_["betas"].mul(2).clamp_max(0.9);
  EXPECT_THAT(Plan(), IsInvalid(HasSubstr("betas and alphas_cumprod are of two schedules")));
  tensors_["betas"] = at::zeros({0});
  EXPECT_THAT(Plan(), IsInvalid(HasSubstr("tensor betas has the shape [0]")));
  Use("ddp-2-bare");
  Diffusion().erase("beta_schedule");
  EXPECT_THAT(Plan(), IsInvalid(HasSubstr("beta_schedule must be given")));
  Diffusion().erase("timesteps");
  EXPECT_THAT(Plan(), IsInvalid(HasSubstr("timesteps must be given")));
}

TEST_F(DialectTest, OldLucidrainsFilesNeedTheirVersion) {
  Use("ddp-1-standardised");
  Diffusion().erase("version");
  EXPECT_THAT(Plan(), IsInvalid(HasSubstr("version must be given")));
  ModelSettings settings = *ParseModelJson(settings_.dump());
  settings.file_version = "1.5.4";
  ASSERT_OK_AND_ASSIGN(const ModelPlan plan, PlanModel(tensors_, std::move(settings)));
  EXPECT_THAT(plan.assumptions, Contains(HasSubstr("version 1.5.4 (said beside the weights")));
  Diffusion()["version"] = "1.7.3";
  EXPECT_THAT(Plan(), IsInvalid(HasSubstr("version must be in 0.28.0 to 1.7.0")));
  Diffusion()["version"] = "2.0.0";
  EXPECT_THAT(Plan(), IsInvalid(HasSubstr("version is 2.0.0, but the names")));
  Diffusion()["version"] = "one";
  EXPECT_THAT(Plan(), IsInvalid(HasSubstr("version must be like 1.8.6; was one")));
}

TEST_F(DialectTest, LucidrainsHeadsAreReadFromTheMemoryIfThereIsOne) {
  Use("ddp-2-attention");
  Network()["attn_heads"] = 2;
  EXPECT_THAT(Plan(), IsInvalid(HasSubstr("attn_heads is 2, but the weights say 3")));
  Use("ddp-1-no-memory");
  Network().erase("attn_heads");
  ASSERT_OK_AND_ASSIGN(const ModelPlan plan, Plan());
  EXPECT_THAT(plan.assumptions, Contains("attn_heads 4 (denoising-diffusion-pytorch's default)"));
}

// Names and shapes are checked before anything is made of them.
TEST_F(DialectTest, NonsenseIsRefusedWithoutACrash) {
  for (const char* fixture : {"guided-plain", "ho-quadratic", "ddp-2-attention"}) {
    Use(fixture);
    if (settings_.empty()) Network()["image_size"] = 64;
    const Tensors good = tensors_;
    ASSERT_OK_AND_ASSIGN(const ModelPlan plan, Plan());
    for (const auto& [name, tensor] : good) {
      // What is not used may have any shape.
      if (std::count(plan.ignored.begin(), plan.ignored.end(), name) > 0) continue;
      for (const at::Tensor& bad :
           {at::zeros({}), at::zeros({0, 0, 0, 0}), at::zeros({}).expand({1 << 19, 1 << 19})}) {
        tensors_[name] = bad;
        EXPECT_FALSE(Load().ok()) << fixture << " " << name << " " << bad.sizes();
      }
      tensors_ = good;
    }
  }
}

}  // namespace
}  // namespace tweedie
