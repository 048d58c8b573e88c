#include "core/plan/ops/bfloat16_kernels.h"

#include <immintrin.h>

#include <algorithm>

#include "core/plan/ops/lanes.h"

#define TWEEDIE_BFLOAT16 __attribute__((target("avx512f,avx512bw,avx512vl,avx512bf16,fma")))

namespace tweedie::plan {
namespace {

// exp(-v) to 3e-6: 2^n 2^f with |f| <= 1/2, 2^f by the polynomial that fits best. Between 2^-126
// and 2^126.
TWEEDIE_BFLOAT16 inline __m512 ExpOfNegative(__m512 v) {
  const __m512 bound = _mm512_set1_ps(126.0f);
  __m512 t = _mm512_mul_ps(v, _mm512_set1_ps(-1.44269504f));
  t = _mm512_min_ps(_mm512_max_ps(t, _mm512_sub_ps(_mm512_setzero_ps(), bound)), bound);
  const __m512 n = _mm512_roundscale_ps(t, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  const __m512 f = _mm512_sub_ps(t, n);
  __m512 p = _mm512_set1_ps(9.58285294e-3f);
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(5.59064262e-2f));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(2.40240991e-1f));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(6.93124175e-1f));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(1.0f));
  return _mm512_scalef_ps(p, n);
}

// 1 / (1 + exp(-v)) to 2^-14, of which bfloat16 keeps 2^-8.
TWEEDIE_BFLOAT16 inline __m512 Silu(__m512 v) {
  const __m512 divisor = _mm512_add_ps(ExpOfNegative(v), _mm512_set1_ps(1.0f));
  return _mm512_mul_ps(v, _mm512_rcp14_ps(divisor));
}

}  // namespace

TWEEDIE_BFLOAT16
void AffineSilu(const float* x, int64_t pixels, int64_t channels, const float* scale,
                const float* shift, Bfloat16* y, int64_t y_stride) {
  for (int64_t p = 0; p < pixels; ++p, x += channels, y += y_stride) {
    for (int64_t c = 0; c < channels; c += kLanes) {
      const int64_t count = std::min(kLanes, channels - c);
      const auto lanes = static_cast<__mmask16>((1u << count) - 1);
      const __m512 v = _mm512_fmadd_ps(_mm512_maskz_loadu_ps(lanes, x + c),
                                       _mm512_maskz_loadu_ps(lanes, scale + c),
                                       _mm512_maskz_loadu_ps(lanes, shift + c));
      const __m256bh rounded = _mm512_cvtneps_pbh(Silu(v));
      _mm256_mask_storeu_epi16(y + c, lanes, reinterpret_cast<const __m256i&>(rounded));
    }
  }
}

}  // namespace tweedie::plan
