// What reading takes of LibTorch's memory. (Hostile files: hostile_test.cc.)
#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "core/weights/containers/checkpoint.h"
#include "core/weights/model.h"
#include "tests/testing/counting_allocator.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_folder.h"
#include "tests/unit/weights/containers/zip_text.h"

namespace tweedie {
namespace {

constexpr int64_t kCount = int64_t{1} << 18;  // a storage has 1 MiB
constexpr int kStorages = 20;

CountingAllocator& Allocator() {
  static CountingAllocator& allocator = CountingAllocator::Install();
  return allocator;
}

// An archive of 20 MiB, with the tensors transposed or not.
void WriteZip(const std::string& path, bool transposed, const std::string& beside = "") {
  std::string items = "}(";
  std::vector<std::string> storages;
  for (int i = 0; i < kStorages; ++i) {
    TensorText tensor{
        .key = absl::StrCat(i), .elements = kCount, .shape = {512, 512}, .strides = {512, 1}};
    if (transposed) tensor.strides = {1, 512};
    items += Text(absl::StrCat("w", i)) + Tensor(tensor);
    storages.emplace_back(kCount * 4, static_cast<char>(i));
  }
  std::string object = items + "u";
  if (!beside.empty())
    object = Dict({Text("model"), object, Text(beside),
                   Dict({Text("state"), Tensor({.key = "20",
                                                .elements = 8 * kCount,
                                                .shape = {8 * kCount},
                                                .strides = {1}})})});
  if (!beside.empty()) storages.emplace_back(8 * kCount * 4, 'x');
  std::ofstream(path, std::ios::binary) << MakeZip(TorchMembers(Pickle(object), storages));
}

// Peak of reading `path`, in sizes of its weights.
double Peak(const std::string& path) {
  const size_t before = Allocator().in_use();
  Allocator().ResetPeak();
  const auto read = ReadCheckpoint(path);
  EXPECT_OK(read);
  const double weights = double{kCount} * 4 * kStorages;
  EXPECT_GE(static_cast<double>(Allocator().in_use() - before), weights);
  return static_cast<double>(Allocator().peak() - before) / weights;
}

TEST(MemoryTest, WeightsAreInMemoryOnce) {
  TempFolder folder;
  WriteZip(folder.File("plain.pt"), /*transposed=*/false);
  EXPECT_LT(Peak(folder.File("plain.pt")), 1.01);
  WriteZip(folder.File("transposed.pt"), /*transposed=*/true);
  EXPECT_LT(Peak(folder.File("transposed.pt")), 1.06);
}

TEST(MemoryTest, WhatIsNotChosenIsNotRead) {
  TempFolder folder;
  WriteZip(folder.File("trainer.pt"), /*transposed=*/false, "optimizer");
  EXPECT_LT(Peak(folder.File("trainer.pt")), 1.01);
}

TEST(MemoryTest, LoadingAModelTakesItsWeightsAndNotMuchMore) {
  const size_t before = Allocator().in_use();
  Allocator().ResetPeak();
  ASSERT_OK_AND_ASSIGN(const auto model, LoadModel("m", absl::StrCat(TWEEDIE_SOURCE_DIR,
                                                                     "/models/fashion-mnist-32")));
  const double weights = 4.0 * static_cast<double>(model->num_parameters);
  EXPECT_GE(static_cast<double>(Allocator().in_use() - before), weights);
  EXPECT_LT(static_cast<double>(Allocator().peak() - before), 1.2 * weights);
}

}  // namespace
}  // namespace tweedie
