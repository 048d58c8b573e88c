#include "core/nn/unet.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "tests/unit/nn/random_unet.h"

namespace tweedie {
namespace {

TEST(UnetTest, ParametersNeedNoMemoryUntilTheyAreAssigned) {
  nn::UnetConfig config = SmallConfig();
  config.block_out_channels = {65536, 65536};  // 600 GiB of convolutions
  const nn::UnetImpl network(config);
  for (const at::Tensor& parameter : network.parameters()) {
    ASSERT_EQ(parameter.storage().nbytes(), sizeof(float));
    ASSERT_FALSE(parameter.requires_grad());
  }
}

TEST(UnetTest, ParametersAreNamedAsInDiffusers) {
  const nn::UnetImpl network(SmallConfig());
  std::vector<std::string> names = network.named_parameters().keys();
  EXPECT_THAT(
      names,
      testing::IsSupersetOf<std::string>(
          {"conv_in.weight", "time_embedding.linear_1.bias", "down_blocks.0.resnets.0.norm1.weight",
           "down_blocks.1.resnets.0.conv_shortcut.weight",
           "down_blocks.1.attentions.0.to_out.0.bias", "down_blocks.0.downsamplers.0.conv.weight",
           "mid_block.attentions.0.group_norm.weight", "mid_block.resnets.1.time_emb_proj.weight",
           "up_blocks.0.upsamplers.0.conv.bias", "conv_norm_out.weight", "conv_out.bias"}));
}

TEST(UnetTest, ClassLabelsMustBeGivenExactlyIfThereAreClasses) {
  const at::Tensor x = at::randn({2, 3, 8, 8}), t = at::arange(2), labels = at::arange(2);
  EXPECT_THROW(RandomUnet(SmallConfig())->forward(x, t, labels), c10::Error);
  nn::UnetConfig config = SmallConfig();
  config.class_embed_type = nn::ClassEmbedding::kTable;
  config.num_class_embeds = 2;
  const auto network = RandomUnet(config);
  EXPECT_THROW(network->forward(x, t, {}), c10::Error);
  EXPECT_THROW(network->forward(x, t, labels.add(1)), c10::Error);  // label 2 of 0..1
  EXPECT_EQ(network->forward(x, t, labels).sizes(), x.sizes());
}

TEST(UnetTest, IdentityClassEmbeddingAddsTheLabelsThemselves) {
  nn::UnetConfig config = SmallConfig();
  config.class_embed_type = nn::ClassEmbedding::kIdentity;
  const auto network = RandomUnet(config);
  const at::Tensor x = at::randn({2, 3, 8, 8}), t = at::arange(2);
  const at::Tensor zeros = at::zeros({2, config.TimeEmbeddingWidth()});
  const at::Tensor plain = RandomUnet(SmallConfig())->forward(x, t, {});
  EXPECT_TRUE(at::equal(network->forward(x, t, zeros), plain));
  EXPECT_FALSE(at::equal(network->forward(x, t, zeros.add(1)), plain));
}

// Guidance differentiates through the network; in-place operations must not
// corrupt what the backward pass keeps.
TEST(UnetTest, GradientOfTheInputIsThatOfFiniteDifferences) {
  const auto network = RandomUnet(SmallConfig());
  const at::Tensor t = at::arange(1), direction = at::randn({1, 3, 8, 8});
  const at::Tensor x = at::randn({1, 3, 8, 8}).requires_grad_();
  const auto loss = [&](const at::Tensor& at_x) {
    return network->forward(at_x, t, {}).pow(2).sum();
  };
  loss(x).backward();
  const double analytic = x.grad().mul(direction).sum().item<double>();
  const at::NoGradGuard no_grad;
  const at::Tensor step = direction.mul(1e-2);
  const double numeric = loss(x.add(step)).sub(loss(x.sub(step))).item<double>() / 2e-2;
  EXPECT_NEAR(analytic, numeric, 1e-2 * std::abs(numeric));
}

}  // namespace
}  // namespace tweedie
