#include "core/plan/ops/winograd_kernels.h"

#include "core/plan/ops/lanes.h"

namespace tweedie::plan {
namespace {

// B^T of the paper, in place.
TWEEDIE_INLINE void TransformInputLine(Lanes& a, Lanes& b, Lanes& c, Lanes& d) {
  const Lanes first = a - c, second = b + c, third = c - b, fourth = b - d;
  a = first;
  b = second;
  c = third;
  d = fourth;
}

// A^T of the paper: two of four.
TWEEDIE_INLINE void TransformOutputLine(const Lanes* in, int64_t step, Lanes& first,
                                        Lanes& second) {
  first = in[0] + in[step] + in[2 * step];
  second = in[step] - in[2 * step] - in[3 * step];
}

}  // namespace

// Neighbours share two columns of pixels: each is read and transformed once.
TWEEDIE_CLONES
void TransformInput(const WinogradInput& input) {
  const int64_t channels = input.channels, width = input.width;
  for (int64_t c = 0; c < channels; c += kLanes) {
    const auto column = [&](int64_t p, Lanes * d) __attribute__((always_inline)) {
      for (int line = 0; line < 4; ++line) {
        const bool outside = input.lines[line] == nullptr || p < 0 || p >= width;
        Load(outside ? input.zeros : input.lines[line] + p * channels + c, d[line]);
      }
      TransformInputLine(d[0], d[1], d[2], d[3]);
    };
    Lanes d[4][4];  // columns
    column(-1, d[0]);
    column(0, d[1]);
    float* parts = input.parts + c;
    for (int64_t t = 0; t < width / 2; ++t, parts += channels) {
      column(2 * t + 1, d[2]);
      column(2 * t + 2, d[3]);
      for (int i = 0; i < 4; ++i) {
        Lanes v[4] = {d[0][i], d[1][i], d[2][i], d[3][i]};
        TransformInputLine(v[0], v[1], v[2], v[3]);
        for (int j = 0; j < 4; ++j) Store(v[j], parts + (4 * i + j) * input.stride);
        d[0][i] = d[2][i];
        d[1][i] = d[3][i];
      }
    }
  }
}

TWEEDIE_CLONES
void TransformOutput(const WinogradOutput& output) {
  const int64_t channels = output.channels;
  for (int64_t t = 0; t < output.width / 2; ++t) {
    const float* parts = output.parts + t * channels;
    const int64_t pixel = 2 * t * output.pixel;
    for (int64_t c = 0; c < channels; c += kLanes) {
      Lanes m[kWinogradParts], s[8], bias;
      for (int i = 0; i < kWinogradParts; ++i) Load(parts + i * output.stride + c, m[i]);
      for (int i = 0; i < 4; ++i) TransformOutputLine(m + i, 4, s[i], s[4 + i]);
      Load(output.bias + c, bias);
      for (int line = 0; line < 2; ++line) {
        Lanes y[2];
        TransformOutputLine(s + 4 * line, 1, y[0], y[1]);
        for (int i = 0; i < 2; ++i) {
          const int64_t at = pixel + i * output.pixel + c;
          y[i] += bias;
          if (output.plus[line] != nullptr) {
            Lanes plus;
            Load(output.plus[line] + at, plus);
            y[i] += plus;
          }
          Store(y[i], output.lines[line] + at);
        }
      }
    }
  }
}

}  // namespace tweedie::plan
