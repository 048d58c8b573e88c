#include "core/plan/ops/winograd_kernels.h"

#include "core/plan/ops/lanes.h"
#include "core/plan/ops/winograd_points.h"

namespace tweedie::plan {
namespace {

constexpr float Rounded(double x) { return static_cast<float>(x); }

// The points p and q = 1 / p, their squares and cubes, each rounded once.
constexpr double kPoint = kWinogradPoint, kOther = 1 / kWinogradPoint;
constexpr float kP = Rounded(kPoint), kP2 = Rounded(kPoint * kPoint),
                kP3 = Rounded(kPoint * kPoint * kPoint);
constexpr float kQ = Rounded(kOther), kQ2 = Rounded(kOther * kOther),
                kQ3 = Rounded(kOther * kOther * kOther);

// B^T of the paper, in place.
TWEEDIE_INLINE void TransformInputLine(Lanes (&d)[4]) {
  const Lanes first = d[0] - d[2], second = d[1] + d[2], third = d[2] - d[1];
  d[3] = d[1] - d[3];
  d[0] = first;
  d[1] = second;
  d[2] = third;
}

// That of points 0, p, -p, q, -q and infinity.
TWEEDIE_INLINE void TransformInputLine(Lanes (&d)[6]) {
  const Lanes even_p = d[4] - kQ2 * d[2], odd_p = kP * (d[3] - kQ2 * d[1]);
  const Lanes even_q = d[4] - kP2 * d[2], odd_q = kQ * (d[3] - kP2 * d[1]);
  d[0] = d[0] - (kP2 + kQ2) * d[2] + d[4];
  d[5] = d[1] - (kP2 + kQ2) * d[3] + d[5];
  d[1] = even_p + odd_p;
  d[2] = even_p - odd_p;
  d[3] = even_q + odd_q;
  d[4] = even_q - odd_q;
}

// A^T of the paper.
TWEEDIE_INLINE void TransformOutputLine(const Lanes (&m)[4], Lanes (&y)[2]) {
  y[0] = m[0] + m[1] + m[2];
  y[1] = m[1] - m[2] - m[3];
}

TWEEDIE_INLINE void TransformOutputLine(const Lanes (&m)[6], Lanes (&y)[4]) {
  const Lanes even_p = m[1] + m[2], odd_p = m[1] - m[2];
  const Lanes even_q = m[3] + m[4], odd_q = m[3] - m[4];
  y[0] = m[0] + even_p + even_q;
  y[1] = kP * odd_p + kQ * odd_q;
  y[2] = kP2 * even_p + kQ2 * even_q;
  y[3] = kP3 * odd_p + kQ3 * odd_q + m[5];
}

// Neighbours share two columns of pixels: each is read and transformed once.
template <int kTile>
TWEEDIE_INLINE void TransformInputOf(const WinogradInput& input) {
  constexpr int kSide = WinogradSide(kTile);
  const int64_t channels = input.channels, width = input.width;
  for (int64_t c = 0; c < channels; c += kLanes) {
    const auto column = [&](int64_t p, Lanes(&d)[kSide]) __attribute__((always_inline)) {
      for (int line = 0; line < kSide; ++line) {
        const bool outside = input.lines[line] == nullptr || p < 0 || p >= width;
        Load(outside ? input.zeros : input.lines[line] + p * channels + c, d[line]);
      }
      TransformInputLine(d);
    };
    Lanes d[kSide][kSide];  // columns
    column(-1, d[0]);
    column(0, d[1]);
    float* parts = input.parts + c;
    for (int64_t p = 1; p < width; p += kTile, parts += channels) {
      for (int i = 0; i < kTile; ++i) column(p + i, d[2 + i]);
      for (int i = 0; i < kSide; ++i) {
        Lanes v[kSide];
        for (int j = 0; j < kSide; ++j) v[j] = d[j][i];
        TransformInputLine(v);
        for (int j = 0; j < kSide; ++j) Store(v[j], parts + (kSide * i + j) * input.stride);
        d[0][i] = d[kTile][i];
        d[1][i] = d[kTile + 1][i];
      }
    }
  }
}

// One line of a tile's pixels, of which the first lies at `at`, with bias and `plus`.
template <int kTile>
TWEEDIE_INLINE void WriteLine(const WinogradOutput& output, int line, int64_t at, const Lanes& bias,
                              Lanes (&y)[kTile]) {
  for (int i = 0; i < kTile; ++i, at += output.pixel) {
    y[i] += bias;
    if (output.plus[line] != nullptr) {
      Lanes plus;
      Load(output.plus[line] + at, plus);
      y[i] += plus;
    }
    Store(y[i], output.lines[line] + at);
  }
}

template <int kTile>
TWEEDIE_INLINE void TransformOutputOf(const WinogradOutput& output) {
  constexpr int kSide = WinogradSide(kTile);
  const int64_t channels = output.channels;
  for (int64_t t = 0; t < output.width / kTile; ++t) {
    const float* parts = output.parts + t * channels;
    const int64_t pixel = kTile * t * output.pixel;
    for (int64_t c = 0; c < channels; c += kLanes) {
      Lanes s[kTile][kSide], bias;
      for (int j = 0; j < kSide; ++j) {
        Lanes m[kSide], y[kTile];
        for (int i = 0; i < kSide; ++i) Load(parts + (kSide * i + j) * output.stride + c, m[i]);
        TransformOutputLine(m, y);
        for (int i = 0; i < kTile; ++i) s[i][j] = y[i];
      }
      Load(output.bias + c, bias);
      for (int line = 0; line < kTile; ++line) {
        Lanes y[kTile];
        TransformOutputLine(s[line], y);
        WriteLine(output, line, pixel + c, bias, y);
      }
    }
  }
}

TWEEDIE_CLONES
void TransformInput2(const WinogradInput& input) { TransformInputOf<2>(input); }
TWEEDIE_CLONES
void TransformInput4(const WinogradInput& input) { TransformInputOf<4>(input); }
TWEEDIE_CLONES
void TransformOutput2(const WinogradOutput& output) { TransformOutputOf<2>(output); }
TWEEDIE_CLONES
void TransformOutput4(const WinogradOutput& output) { TransformOutputOf<4>(output); }

}  // namespace

void TransformInput(const WinogradInput& input) {
  if (input.tile == 2) return TransformInput2(input);
  TransformInput4(input);
}

void TransformOutput(const WinogradOutput& output) {
  if (output.tile == 2) return TransformOutput2(output);
  TransformOutput4(output);
}

}  // namespace tweedie::plan
