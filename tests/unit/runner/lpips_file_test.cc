#include "server/runner/lpips_file.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "core/weights/containers/checkpoint.h"
#include "core/weights/safetensors.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_folder.h"

namespace tweedie {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// Heads in the package's own form, by PyTorch: tools/golden/containers.py.
std::string Heads() {
  return absl::StrCat(TWEEDIE_SOURCE_DIR, "/tests/golden/containers/legacy-lpips-alex.pth");
}

at::Tensor Numbers(at::IntArrayRef shape) {
  const int64_t count = at::empty(shape, at::kMeta).numel();
  return at::arange(count, at::kFloat).remainder(17).sub(8).mul(0.01).view(shape);
}

// torchvision's tensors of AlexNet, but for the size of its classifier.
TensorFile Trunk() {
  TensorFile file;
  const std::vector<std::pair<int, std::vector<int64_t>>> convolutions = {{0, {64, 3, 11, 11}},
                                                                          {3, {192, 64, 5, 5}},
                                                                          {6, {384, 192, 3, 3}},
                                                                          {8, {256, 384, 3, 3}},
                                                                          {10, {256, 256, 3, 3}}};
  for (const auto& [index, shape] : convolutions) {
    file.tensors[absl::StrCat("features.", index, ".weight")] = Numbers(shape);
    file.tensors[absl::StrCat("features.", index, ".bias")] = Numbers({shape[0]});
  }
  file.tensors["classifier.1.weight"] = Numbers({3, 3});
  return file;
}

void Write(const std::string& path, const TensorFile& file) {
  std::ofstream(path, std::ios::binary) << SerializeSafetensors(file);
}

TEST(LpipsFileTest, PublishedFilesAreTheSameNetworkAsTheConvertedOne) {
  TempFolder folder;
  std::filesystem::copy_file(Heads(), folder.File("alex.pth"));
  Write(folder.File("alexnet-owt-7be5be79.pth"), Trunk());
  ASSERT_OK_AND_ASSIGN(const Lpips published, ReadLpipsFile(folder.path()));
  EXPECT_EQ(published.net(), "alex");
  TensorFile converted = Trunk();
  converted.tensors.erase("classifier.1.weight");
  ASSERT_OK_AND_ASSIGN(const Checkpoint heads, ReadCheckpoint(Heads()));
  for (int k = 0; k < 5; ++k) {
    converted.tensors[absl::StrCat("lin", k, ".weight")] =
        heads.tensors.at(absl::StrCat("lin", k, ".model.1.weight"));
  }
  converted.metadata["net"] = "alex";
  Write(folder.File("converted"), converted);
  ASSERT_OK_AND_ASSIGN(const Lpips other, ReadLpipsFile(folder.File("converted")));
  const at::Tensor a = Numbers({3, 40, 40}), b = a.flip(1);
  ASSERT_OK_AND_ASSIGN(const auto distance, published.Distance(a, b));
  ASSERT_OK_AND_ASSIGN(const auto expected, other.Distance(a, b));
  EXPECT_NE(*distance, 0);
  EXPECT_EQ(*distance, *expected);
}

TEST(LpipsFileTest, FoldersWithoutBothFilesAreRefused) {
  TempFolder folder;
  const auto refuses = [&](const std::string& message) {
    EXPECT_THAT(ReadLpipsFile(folder.path()),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         AllOf(HasSubstr(folder.path()), HasSubstr(message))));
  };
  refuses("holds 0");
  Write(folder.File("alexnet.pth"), Trunk());
  refuses("holds 1");
  Write(folder.File("again.pth"), Trunk());
  refuses("both files have the tensor features.0.bias");
  Write(folder.File("again.pth"), TensorFile{{{"other", Numbers({1})}}, {}});
  refuses("has no heads lin0.model.1.weight");
  std::ofstream(folder.File("again.pth"), std::ios::trunc) << "nothing";
  refuses("again.pth: is neither safetensors nor");
}

}  // namespace
}  // namespace tweedie
