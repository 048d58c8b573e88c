#ifndef TWEEDIE_CORE_PLAN_OPS_WINOGRAD_KERNELS_H_
#define TWEEDIE_CORE_PLAN_OPS_WINOGRAD_KERNELS_H_

#include <array>
#include <cstdint>

namespace tweedie::plan {

// The transforms of F(2x2, 3x3) and F(4x4, 3x3), of a line of tiles, channels by sixteens. Sums
// in one order, compiled as kernels.h says. A tile is 2 x 2 or 4 x 4 pixels of output.

constexpr int64_t kMostTile = 4;
constexpr int64_t WinogradSide(int64_t tile) { return tile + 2; }  // of its input, and of its parts
constexpr int64_t WinogradParts(int64_t tile) { return WinogradSide(tile) * WinogradSide(tile); }

// Tile t has the pixels of the first `tile` + 2 of `lines` from pixel tile * t - 1 on. Part i of it
// goes to parts + i * stride + t * channels.
struct WinogradInput {
  int64_t tile;                                             // 2 or 4
  std::array<const float*, WinogradSide(kMostTile)> lines;  // `width` pixels; null: zeros
  const float* zeros;                                       // [channels]
  int64_t width, channels;
  float* parts;
  int64_t stride;
};
void TransformInput(const WinogradInput& input);

// Tile t is `tile` pixels of each of the first `tile` of `lines`, from pixel tile * t on, of
// `channels` that are the first of `pixel` each, of what lies in `parts` likewise, and bias, and
// `plus`.
struct WinogradOutput {
  int64_t tile;  // 2 or 4
  const float* parts;
  int64_t stride;
  int64_t width, channels, pixel;
  const float* bias;                         // [channels]
  std::array<const float*, kMostTile> plus;  // as the output's, which they may be; null: none
  std::array<float*, kMostTile> lines;
};
void TransformOutput(const WinogradOutput& output);

}  // namespace tweedie::plan

#endif  // TWEEDIE_CORE_PLAN_OPS_WINOGRAD_KERNELS_H_
