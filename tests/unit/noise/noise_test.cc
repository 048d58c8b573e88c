#include "core/noise/noise.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <vector>

#include "core/noise/philox.h"
#include "tests/testing/tensor_matchers.h"
#include "tests/unit/noise/noise_golden.h"

namespace tweedie {
namespace {

using ::testing::ElementsAre;

std::vector<float> Fill(const NoiseKey& key, size_t count) {
  std::vector<float> values(count);
  FillNormals(key, absl::MakeSpan(values));
  return values;
}

uint32_t BitsOf(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

NoiseKey KeyOf(const NoiseGolden& golden) {
  return {golden.seed, golden.image, golden.step, static_cast<NoisePurpose>(golden.purpose),
          golden.inner};
}

TEST(PhiloxTest, GivesTheKnownAnswers) {
  EXPECT_THAT(Philox4x32x10({0, 0, 0, 0}, {0, 0}),
              ElementsAre(0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u));
  const uint32_t ones = 0xffffffffu;
  EXPECT_THAT(Philox4x32x10({ones, ones, ones, ones}, {ones, ones}),
              ElementsAre(0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu));
  EXPECT_THAT(Philox4x32x10({0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u},
                            {0xa4093822u, 0x299f31d0u}),
              ElementsAre(0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u));
}

TEST(NoiseTest, HasTheBitsOfTheContract) {
  for (const NoiseGolden& golden : kNoiseGolden) {
    const std::vector<float> values = Fill(KeyOf(golden), golden.bits.size());
    for (size_t i = 0; i < values.size(); ++i) {
      EXPECT_EQ(BitsOf(values[i]), golden.bits[i]) << "element " << i << " of seed " << golden.seed;
    }
  }
}

TEST(NoiseTest, HasTheBitsOfTheContractAllAlong) {
  uint64_t sum = 0;
  uint64_t place = 0;
  for (const float value : Fill(KeyOf(kNoiseGolden[0]), kNoiseChecksumCount)) {
    ++place;
    sum += (uint64_t{BitsOf(value)} + 1) * (place * 0x9E3779B97F4A7C15u);
  }
  EXPECT_EQ(sum, kNoiseChecksum);
}

TEST(NoiseTest, DoesNotDependOnHowMuchIsAsked) {
  const NoiseKey key{7, 1, 2, NoisePurpose::kStep};
  const std::vector<float> all = Fill(key, 1500);
  for (const size_t count : {0u, 1u, 2u, 3u, 4u, 5u, 511u, 512u, 513u, 1025u}) {
    const std::vector<float> some = Fill(key, count);
    EXPECT_TRUE(std::equal(some.begin(), some.end(), all.begin())) << count;
  }
}

TEST(NoiseTest, DependsOnEveryPartOfTheKey) {
  const std::vector<float> base = Fill({5, 1, 2, NoisePurpose::kLangevin, 3}, 8);
  const NoiseKey others[] = {{6, 1, 2, NoisePurpose::kLangevin, 3},
                             {5 + (uint64_t{1} << 32), 1, 2, NoisePurpose::kLangevin, 3},
                             {5, 2, 2, NoisePurpose::kLangevin, 3},
                             {5, 1, 3, NoisePurpose::kLangevin, 3},
                             {5, 1, 2, NoisePurpose::kRenoise, 3},
                             {5, 1, 2, NoisePurpose::kLangevin, 4}};
  for (const NoiseKey& other : others) EXPECT_NE(Fill(other, 8), base);
}

TEST(NoiseTest, RowsAreThoseOfTheirImages) {
  const NoiseKey key{9, 4, 3, NoisePurpose::kGuide};
  const at::Tensor rows = Normals(key, 3, {1, 3, 5});
  ASSERT_EQ(rows.sizes(), at::IntArrayRef({3, 1, 3, 5}));
  for (uint32_t i = 0; i < 3; ++i) {
    NoiseKey row = key;
    row.image += i;
    EXPECT_THAT(rows[i].flatten(), IsBitEqualTo(at::tensor(at::ArrayRef<float>(Fill(row, 15)))));
  }
  EXPECT_THAT(Normals(key, 8, {1, 3, 5}).slice(0, 0, 3), IsBitEqualTo(rows));
}

TEST(NoiseTest, OfNoImagesIsEmpty) { EXPECT_EQ(Normals({}, 0, {1, 2, 2}).numel(), 0); }

}  // namespace
}  // namespace tweedie
