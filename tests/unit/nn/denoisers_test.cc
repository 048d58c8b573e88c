#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <iterator>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include "core/diffusion/row_parallel_denoiser.h"
#include "core/diffusion/unet_denoiser.h"
#include "tests/unit/nn/random_unet.h"

namespace tweedie {
namespace {

int64_t NumThreads() {
  const std::filesystem::directory_iterator tasks("/proc/self/task");
  return std::distance(begin(tasks), end(tasks));
}

DenoiserInput RandomRows(int64_t num_rows) {
  return {at::randn({num_rows, 3, 8, 8}), at::randint(0, 1000, {num_rows}, at::kLong), {}};
}

DenoiserInput Select(const DenoiserInput& input, const std::vector<int64_t>& rows) {
  const at::Tensor index = at::tensor(rows, at::kLong);
  return {input.x.index_select(0, index), input.t.index_select(0, index), {}};
}

// Must be the first test that evaluates anything: it counts threads.
TEST(ADenoiserTest, RowParallelDenoiserStartsNoThreadsButItsWorkers) {
  const auto network = RandomUnet(SmallConfig());
  std::thread([] {}).join();  // a sanitizer starts one of its own with the first
  const int64_t before = NumThreads();
  RowParallelDenoiser denoiser(network, std::make_shared<RowPool>(3));
  // Large enough that LibTorch and oneDNN would share it out.
  const DenoiserInput input = {at::randn({6, 3, 64, 64}), at::arange(6), {}};
  denoiser.Predict(input);
  EXPECT_EQ(NumThreads(), before + 3);
  denoiser.PredictWithGradient(input, [](int64_t, const at::Tensor&, const at::Tensor& prediction) {
    return prediction.flatten(1).square().sum(1);
  });
  EXPECT_EQ(NumThreads(), before + 3);
}

TEST(RowParallelDenoiserTest, RowAloneHasTheBitsOfTheRowInAnyMix) {
  const auto network = RandomUnet(SmallConfig());
  RowParallelDenoiser denoiser(network, std::make_shared<RowPool>(2));
  const DenoiserInput all = RandomRows(9);
  const at::Tensor expected = denoiser.Predict(all);
  std::mt19937 random(3);
  for (int trial = 0; trial < 20; ++trial) {
    std::vector<int64_t> rows(1 + random() % 9);
    for (int64_t& row : rows) row = static_cast<int64_t>(random() % 9);
    const at::Tensor output = denoiser.Predict(Select(all, rows));
    EXPECT_TRUE(at::equal(output, expected.index_select(0, at::tensor(rows, at::kLong))))
        << "trial " << trial;
  }
}

TEST(RowParallelDenoiserTest, BitsDoNotDependOnTheNumberOfThreads) {
  const auto network = RandomUnet(SmallConfig());
  const DenoiserInput input = RandomRows(5);
  const at::Tensor expected =
      RowParallelDenoiser(network, std::make_shared<RowPool>(1)).Predict(input);
  EXPECT_TRUE(at::equal(RowParallelDenoiser(network, std::make_shared<RowPool>(4)).Predict(input),
                        expected));
}

TEST(RowParallelDenoiserTest, ClassLabelsGoWithTheirRows) {
  nn::UnetConfig config = SmallConfig();
  config.class_embed_type = nn::ClassEmbedding::kTable;
  config.num_class_embeds = 4;
  const auto network = RandomUnet(config);
  RowParallelDenoiser denoiser(network, std::make_shared<RowPool>(2));
  DenoiserInput input = RandomRows(4);
  input.class_labels = at::arange(4);
  const at::Tensor expected = UnetDenoiser(network, at::kCPU).Predict(input);
  EXPECT_TRUE(at::allclose(denoiser.Predict(input), expected, 1e-5, 1e-5));
}

TEST(RowParallelDenoiserTest, WorkersExceptionReachesTheCallerAndTheNextCallWorks) {
  const auto network = RandomUnet(SmallConfig());
  RowParallelDenoiser denoiser(network, std::make_shared<RowPool>(2));
  DenoiserInput wrong = RandomRows(3);
  wrong.class_labels = at::zeros({3}, at::kLong);  // it has no classes
  EXPECT_THROW(denoiser.Predict(wrong), c10::Error);
  EXPECT_EQ(denoiser.Predict(RandomRows(3)).size(0), 3);
}

TEST(RowParallelDenoiserTest, OutputIsPlainAndKeepsNoGraph) {
  const auto network = RandomUnet(SmallConfig());
  RowParallelDenoiser denoiser(network, std::make_shared<RowPool>(2));
  DenoiserInput input = RandomRows(2);
  input.x.requires_grad_();
  const at::Tensor output = denoiser.Predict(input);
  EXPECT_FALSE(output.requires_grad());
  EXPECT_FALSE(output.is_inference());
  EXPECT_TRUE(output.is_contiguous());
}

TEST(UnetDenoiserTest, RowsOfABatchAreThoseOfSingleCallsToRounding) {
  const auto network = RandomUnet(SmallConfig());
  UnetDenoiser denoiser(network, at::kCPU);
  const DenoiserInput input = RandomRows(4);
  const at::Tensor batched = denoiser.Predict(input);
  const at::Tensor alone =
      RowParallelDenoiser(network, std::make_shared<RowPool>(1)).Predict(input);
  EXPECT_TRUE(at::allclose(batched, alone, 1e-5, 1e-5));
  EXPECT_TRUE(batched.is_contiguous());
  EXPECT_FALSE(batched.requires_grad());
}

}  // namespace
}  // namespace tweedie
