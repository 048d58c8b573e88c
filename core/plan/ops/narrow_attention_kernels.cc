#include "core/plan/ops/narrow_attention_kernels.h"

#include <cstring>

namespace tweedie::plan {
namespace {

// One number of a head of all queries is in one register.
using Turned = Lanes[kNarrowHead];
// One pixel of a head.
using Pixel = float __attribute__((vector_size(kNarrowHead * sizeof(float))));

// Lanes without a query get zeros.
TWEEDIE_INLINE void Turn(const float* from, int64_t stride, int64_t queries, Turned& to) {
  float turned[kNarrowHead][kLanes] = {};
  for (int64_t i = 0; i < queries; ++i) {
    for (int d = 0; d < kNarrowHead; ++d) turned[d][i] = from[i * stride + d];
  }
  std::memcpy(&to, turned, sizeof(to));
}

TWEEDIE_INLINE void TurnBack(const Turned& from, int64_t stride, int64_t queries, float* to) {
  float turned[kNarrowHead][kLanes];
  std::memcpy(turned, &from, sizeof(from));
  for (int64_t i = 0; i < queries; ++i) {
    for (int d = 0; d < kNarrowHead; ++d) to[i * stride + d] = turned[d][i];
  }
}

TWEEDIE_INLINE void Dot(const Turned& a, const float* b, Lanes& sum) {
  sum = a[0] * b[0];
  for (int d = 1; d < kNarrowHead; ++d) sum += a[d] * b[d];
}

TWEEDIE_INLINE void AddTimes(const Lanes& weight, const float* x, Turned& sum) {
  for (int d = 0; d < kNarrowHead; ++d) sum[d] += weight * x[d];
}

// To of.scores; `most` becomes the largest.
TWEEDIE_INLINE void Score(const NarrowAttention& of, Lanes& most) {
  Turned q;
  Turn(of.q, of.stride, of.queries, q);
  Dot(q, of.k, most);
  for (int64_t key = 0; key < of.keys; ++key) {
    Lanes score;
    Dot(q, of.k + key * of.stride, score);
    most = score > most ? score : most;
    Store(score, of.scores + key * kLanes);
  }
}

// The softmax's exp of a score.
TWEEDIE_INLINE void LoadExp(const NarrowAttention& of, int64_t key, const Lanes& most, Lanes& to) {
  Load(of.scores + key * kLanes, to);
  to = (to - most) * of.scale;
  ToExp(to);
}

// of.scores become exps, and those of g the gradients by the weights, of which `mean` becomes the
// weighted mean and `factor` what makes an exp a weight.
TWEEDIE_INLINE void Weigh(const NarrowAttention& of, const NarrowGradients& g, Lanes& factor,
                          Lanes& mean) {
  Lanes most, sum = {}, total = {};
  Score(of, most);
  Turned out;
  Turn(g.out, g.out_stride, of.queries, out);
  for (int64_t key = 0; key < of.keys; ++key) {
    Lanes weight, gradient;
    LoadExp(of, key, most, weight);
    Dot(out, of.v + key * of.stride, gradient);
    sum += weight;
    total += weight * gradient;
    Store(weight, of.scores + key * kLanes);
    Store(gradient, g.scores + key * kLanes);
  }
  factor = 1.0f / sum;
  mean = total * factor;
}

// Adds to each key's pixel the queries' pixels, by the key's weights of them.
TWEEDIE_INLINE void AddToKeys(const NarrowAttention& of, const float* weights, const float* queries,
                              int64_t queries_stride, float* to) {
  Pixel pixels[kLanes] = {};
  for (int64_t i = 0; i < of.queries; ++i) {
    std::memcpy(&pixels[i], queries + i * queries_stride, sizeof(Pixel));
  }
  for (int64_t key = 0; key < of.keys; ++key, weights += kLanes, to += of.stride) {
    Pixel sum;
    std::memcpy(&sum, to, sizeof(sum));
    for (int i = 0; i < kLanes; ++i) sum += pixels[i] * weights[i];
    std::memcpy(to, &sum, sizeof(sum));
  }
}

}  // namespace

TWEEDIE_CLONES
void AttendNarrowly(const NarrowAttention& of, float* out, int64_t out_stride) {
  Lanes most, sum = {};
  Score(of, most);
  Turned total = {};
  for (int64_t key = 0; key < of.keys; ++key) {
    Lanes weight;
    LoadExp(of, key, most, weight);
    sum += weight;
    AddTimes(weight, of.v + key * of.stride, total);
  }
  const Lanes factor = 1.0f / sum;
  for (Lanes& number : total) number *= factor;
  TurnBack(total, out_stride, of.queries, out);
}

TWEEDIE_CLONES
void DifferentiateNarrowly(const NarrowAttention& of, const NarrowGradients& g) {
  Lanes factor, mean;
  Weigh(of, g, factor, mean);
  Turned q = {};
  for (int64_t key = 0; key < of.keys; ++key) {
    Lanes weight, gradient;
    Load(of.scores + key * kLanes, weight);
    Load(g.scores + key * kLanes, gradient);
    weight *= factor;
    gradient = weight * (gradient - mean) * of.scale;
    AddTimes(gradient, of.k + key * of.stride, q);
    Store(weight, of.scores + key * kLanes);
    Store(gradient, g.scores + key * kLanes);
  }
  TurnBack(q, of.stride, of.queries, g.q);
  AddToKeys(of, of.scores, g.out, g.out_stride, g.v);
  AddToKeys(of, g.scores, of.q, of.stride, g.k);
}

}  // namespace tweedie::plan
