#ifndef TWEEDIE_CORE_PLAN_OPS_WINOGRAD_KERNELS_H_
#define TWEEDIE_CORE_PLAN_OPS_WINOGRAD_KERNELS_H_

#include <array>
#include <cstdint>

namespace tweedie::plan {

// The transforms of F(2x2, 3x3), of a line of tiles, channels by sixteens. Sums alone, in one
// order, compiled as kernels.h says.

constexpr int kWinogradParts = 16;  // of a tile: 4 x 4

// Tile t has the 4 x 4 pixels of `lines` from pixel 2 t - 1 on. Part i of it goes to
// parts + i * stride + t * channels.
struct WinogradInput {
  std::array<const float*, 4> lines;  // `width` pixels of `channels`; null: zeros
  const float* zeros;                 // [channels]
  int64_t width, channels;
  float* parts;
  int64_t stride;
};
void TransformInput(const WinogradInput& input);

// Tile t is two pixels of each of two `lines`, from pixel 2 t on, of `channels` that are the
// first of `pixel` each, of what lies in `parts` likewise, and bias, and `plus`.
struct WinogradOutput {
  const float* parts;
  int64_t stride;
  int64_t width, channels, pixel;
  const float* bias;                 // [channels]
  std::array<const float*, 2> plus;  // lines as the output's, which they may be; null: none
  std::array<float*, 2> lines;
};
void TransformOutput(const WinogradOutput& output);

}  // namespace tweedie::plan

#endif  // TWEEDIE_CORE_PLAN_OPS_WINOGRAD_KERNELS_H_
