// Networks whose weights are moved to shorter numbers.
#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <tuple>

#include "core/nn/lucidrains_unet.h"
#include "core/nn/network.h"
#include "tests/unit/nn/random_unet.h"

namespace tweedie {
namespace {

std::shared_ptr<nn::Network> UnetWith(nn::TimeEmbedding embedding) {
  nn::UnetConfig config = SmallConfig();
  config.time_embedding_type = embedding;
  config.num_train_timesteps = 1000;
  return RandomUnet(config);
}

std::shared_ptr<nn::Network> RandomLucidrains(std::optional<int64_t> num_learned_frequencies) {
  nn::LucidrainsConfig config;
  config.dim = config.init_dim = 8;
  config.level_dims = {8, 16};
  config.attention = {{false, 2, 4}, {true, 2, 4}};
  config.num_learned_frequencies = num_learned_frequencies;
  return RandomNetwork<nn::LucidrainsUnet>(config);
}

// Frequencies multiply timesteps of up to 1000: of 8 bits nothing would be left.
TEST(NetworkPrecisionTest, FrequenciesStayFloat32) {
  const auto unet = UnetWith(nn::TimeEmbedding::kFourier);
  const auto lucidrains = RandomLucidrains(4);
  for (const auto& [network, frequencies, weights] :
       {std::tuple{unet, "time_proj.weight", "conv_in.weight"},
        std::tuple{lucidrains, "time_mlp.0.weights", "init_conv.weight"}}) {
    const at::Tensor before = network->named_parameters()[frequencies].clone();
    network->to(at::kCPU, at::kBFloat16);
    EXPECT_TRUE(at::equal(network->named_parameters()[frequencies], before));
    EXPECT_EQ(network->named_parameters()[weights].scalar_type(), at::kBFloat16);
    network->to(at::kHalf);
    EXPECT_TRUE(at::equal(network->named_parameters()[frequencies], before));
    EXPECT_EQ(network->named_parameters()[weights].scalar_type(), at::kHalf);
  }
}

// What is made of timesteps and labels is rounded once, at the end.
TEST(NetworkPrecisionTest, EmbeddingsStayFloat32) {
  nn::UnetConfig config = SmallConfig();
  config.class_embed_type = nn::ClassEmbedding::kTable;
  config.num_class_embeds = 10;
  const auto unet = RandomUnet(config);
  const at::NoGradGuard no_grad;
  const at::Tensor t = at::tensor({999, 1}, at::kLong), labels = at::tensor({3, 9}, at::kLong);
  const at::Tensor before = unet->Embed(t, labels);
  unet->to(at::kCPU, at::kBFloat16);
  EXPECT_TRUE(at::equal(unet->Embed(t, labels), before));
  const at::Tensor x = at::zeros({2, 3, 8, 8}, at::kBFloat16);
  EXPECT_EQ(unet->forward(x, t, labels).scalar_type(), at::kBFloat16);
}

TEST(NetworkPrecisionTest, TimeMlpsStayFloat32) {
  for (const auto& network : {RandomLucidrains(std::nullopt), RandomLucidrains(4)}) {
    const at::Tensor before = network->named_parameters()["time_mlp.3.weight"].clone();
    network->to(at::kCPU, at::kBFloat16);
    const auto parameters = network->named_parameters();
    for (const char* name :
         {"time_mlp.1.weight", "time_mlp.1.bias", "time_mlp.3.weight", "time_mlp.3.bias"}) {
      EXPECT_EQ(parameters[name].scalar_type(), at::kFloat) << name;
    }
    EXPECT_TRUE(at::equal(parameters["time_mlp.3.weight"], before));
    EXPECT_EQ(parameters["mid_block1.mlp.1.weight"].scalar_type(), at::kBFloat16);
    const at::Tensor x = at::zeros({2, 3, 8, 8}, at::kBFloat16);
    const at::Tensor t = at::tensor({999, 1}, at::kLong);
    EXPECT_EQ(network->forward(x, t, {}).scalar_type(), at::kBFloat16);
  }
}

class ShorterNumbersTest : public testing::TestWithParam<std::shared_ptr<nn::Network>> {};

TEST_P(ShorterNumbersTest, OutputStaysNear) {
  nn::Network& network = *GetParam();
  at::manual_seed(2);
  const at::NoGradGuard no_grad;
  const at::Tensor x = at::randn({4, 3, 8, 8}), t = at::tensor({999, 998, 500, 1}, at::kLong);
  const at::Tensor expected = network.forward(x, t, {});
  network.to(at::kCPU, at::kBFloat16);
  const at::Tensor output = network.forward(x.to(at::kBFloat16), t, {});
  EXPECT_EQ(output.scalar_type(), at::kBFloat16);
  const double error =
      output.to(at::kFloat).sub(expected).norm().div(expected.norm()).item<double>();
  EXPECT_GT(error, 1e-5);
  EXPECT_LT(error, 0.05);
}

INSTANTIATE_TEST_SUITE_P(Networks, ShorterNumbersTest,
                         testing::Values(UnetWith(nn::TimeEmbedding::kPositional),
                                         UnetWith(nn::TimeEmbedding::kFourier),
                                         UnetWith(nn::TimeEmbedding::kLearned),
                                         RandomLucidrains(std::nullopt), RandomLucidrains(4)));

}  // namespace
}  // namespace tweedie
