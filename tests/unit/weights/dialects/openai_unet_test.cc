#include "core/weights/dialects/openai_unet.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/nn/unet.h"
#include "tests/testing/status_matchers.h"

namespace tweedie {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::Not;

// The published networks, by their configurations.
OpenaiUnet Ffhq() {
  return {.in_channels = 3,
          .out_channels = 6,
          .model_channels = 128,
          .num_res_blocks = 1,
          .num_classes = 0,
          .channels = {128, 128, 256, 256, 512, 512},
          .attention = {false, false, false, false, true, false},
          .scale_shift = true,
          .resblock_updown = true};
}
OpenaiUnet Imagenet256() {
  OpenaiUnet unet = Ffhq();
  unet.model_channels = 256;
  unet.num_res_blocks = 2;
  unet.channels = {256, 256, 512, 512, 1024, 1024};
  unet.attention = {false, false, false, true, true, true};
  return unet;
}
OpenaiHeads HeadsOf64() {
  OpenaiHeads heads;
  heads.head_channels = 64;
  return heads;
}

// A file's tensors for such a network, by the key map itself, without memory.
Tensors FileOf(const OpenaiUnet& unet, const OpenaiHeads& heads) {
  const nn::UnetImpl network(OpenaiUnetConfig(unet, heads));
  const KeyMap map = OpenaiKeyMap(unet, heads);
  Tensors tensors;
  for (const auto& item : network.named_parameters()) {
    const Source& source = map.at(item.key());
    tensors[source.key] = at::zeros({}).expand(FileShape(source, item.value().sizes()));
  }
  return tensors;
}

int64_t NumParameters(const Tensors& tensors) {
  int64_t count = 0;
  for (const auto& [name, tensor] : tensors) count += tensor.numel();
  return count;
}

// The N of names "PREFIX N SUFFIX".
std::vector<int> Numbers(const Tensors& tensors, const std::string& prefix,
                         const std::string& suffix) {
  std::vector<int> numbers;
  for (int n = 0; n < 100; ++n) {
    if (tensors.count(absl::StrCat(prefix, n, suffix)) > 0) numbers.push_back(n);
  }
  return numbers;
}

TEST(OpenaiUnetTest, FfhqIsLaidOutAsPublished) {
  const Tensors file = FileOf(Ffhq(), HeadsOf64());
  EXPECT_THAT(Numbers(file, "input_blocks.", ".0.in_layers.2.weight"),
              ElementsAre(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11));
  EXPECT_THAT(Numbers(file, "input_blocks.", ".0.skip_connection.weight"), ElementsAre(5, 9));
  EXPECT_THAT(Numbers(file, "input_blocks.", ".1.qkv.weight"), ElementsAre(9));
  EXPECT_THAT(Numbers(file, "middle_block.", ".qkv.weight"), ElementsAre(1));
  EXPECT_THAT(Numbers(file, "output_blocks.", ".0.in_layers.2.weight"),
              ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11));
  EXPECT_THAT(Numbers(file, "output_blocks.", ".1.qkv.weight"), ElementsAre(2, 3));
  EXPECT_THAT(Numbers(file, "output_blocks.", ".1.in_layers.2.weight"), ElementsAre(1, 5, 7, 9));
  EXPECT_THAT(Numbers(file, "output_blocks.", ".2.in_layers.2.weight"), ElementsAre(3));
  EXPECT_EQ(file.at("input_blocks.9.1.qkv.weight").sizes(), (std::vector<int64_t>{1536, 512}));
  EXPECT_EQ(file.at("out.2.weight").sizes(), (std::vector<int64_t>{6, 128, 3, 3}));
  // ffhq_10m.pt has 357 MB: 4 bytes for each of these and some 100 kB of zip.
  EXPECT_NEAR(static_cast<double>(NumParameters(file)), 93.56e6, 0.01e6);
}

TEST(OpenaiUnetTest, Imagenet256IsLaidOutAsPublished) {
  const Tensors file = FileOf(Imagenet256(), HeadsOf64());
  EXPECT_THAT(Numbers(file, "input_blocks.", ".1.qkv.weight"), ElementsAre(10, 11, 13, 14, 16, 17));
  EXPECT_THAT(Numbers(file, "output_blocks.", ".1.qkv.weight"),
              ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8));
  EXPECT_THAT(Numbers(file, "output_blocks.", ".2.in_layers.2.weight"), ElementsAre(2, 5, 8));
  EXPECT_THAT(Numbers(file, "output_blocks.", ".1.in_layers.2.weight"), ElementsAre(11, 14));
  // Dhariwal and Nichol (2021), table 12: 552.8 M parameters.
  EXPECT_NEAR(static_cast<double>(NumParameters(file)), 552.8e6, 0.1e6);
}

TEST(OpenaiUnetTest, ConvolutionalResamplingHasItsOwnNames) {
  OpenaiUnet unet = Ffhq();
  unet.resblock_updown = false;
  const Tensors file = FileOf(unet, HeadsOf64());
  EXPECT_THAT(Numbers(file, "input_blocks.", ".0.op.weight"), ElementsAre(2, 4, 6, 8, 10));
  EXPECT_THAT(Numbers(file, "output_blocks.", ".1.conv.weight"), ElementsAre(1, 5, 7, 9));
  EXPECT_THAT(Numbers(file, "output_blocks.", ".2.conv.weight"), ElementsAre(3));
}

TEST(OpenaiUnetTest, ShapeIsInferredFromNamesAndShapes) {
  OpenaiUnet plain = Imagenet256();
  plain.resblock_updown = plain.scale_shift = false;
  plain.num_classes = 1000;
  plain.channels = {128, 128, 256};  // a first level of half the width, as at 512 pixels
  plain.attention = {false, true, false};
  OpenaiUnet single = Ffhq();
  single.channels = {128};
  single.attention = {true};
  single.resblock_updown = false;
  for (const OpenaiUnet& unet : {Ffhq(), Imagenet256(), plain, single}) {
    ASSERT_OK_AND_ASSIGN(const OpenaiUnet inferred, InferOpenaiUnet(FileOf(unet, HeadsOf64())));
    EXPECT_EQ(inferred.in_channels, unet.in_channels);
    EXPECT_EQ(inferred.out_channels, unet.out_channels);
    EXPECT_EQ(inferred.model_channels, unet.model_channels);
    EXPECT_EQ(inferred.num_res_blocks, unet.num_res_blocks);
    EXPECT_EQ(inferred.num_classes, unet.num_classes);
    EXPECT_EQ(inferred.channels, unet.channels);
    EXPECT_EQ(inferred.attention, unet.attention);
    EXPECT_EQ(inferred.scale_shift, unet.scale_shift);
    EXPECT_EQ(inferred.resblock_updown, unet.resblock_updown);
  }
}

TEST(OpenaiUnetTest, EveryTensorOfTheFileIsUsedOnce) {
  const OpenaiUnet unet = Ffhq();
  const nn::UnetImpl network(OpenaiUnetConfig(unet, HeadsOf64()));
  const KeyMap map = OpenaiKeyMap(unet, HeadsOf64());
  std::map<std::string, int> uses;
  for (const auto& item : network.named_parameters()) ++uses[map.at(item.key()).key];
  for (const auto& [name, count] : uses) {
    EXPECT_EQ(count, absl::StrContains(name, ".qkv.") ? 3 : 1) << name;
  }
}

TEST(OpenaiUnetTest, HeadsAreCountedByWidthOrByNumber) {
  OpenaiHeads heads;
  heads.num_heads = 4;
  heads.num_heads_up = 2;
  EXPECT_EQ(heads.Down(128), 4);
  EXPECT_EQ(heads.Up(128), 2);
  heads.head_channels = 32;
  EXPECT_EQ(heads.Down(128), 4);
  EXPECT_EQ(heads.Up(256), 8);
}

}  // namespace
}  // namespace tweedie
