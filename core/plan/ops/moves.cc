#include "core/plan/ops/moves.h"

#include <algorithm>
#include <utility>

#include "core/plan/ops/by_line.h"
#include "core/plan/ops/kernels.h"

namespace tweedie::plan {
namespace {

void Store(const float* from, int64_t count, float* to) { std::copy_n(from, count, to); }
void Store(const float* from, int64_t count, Bfloat16* to) { Round(from, count, to); }

template <typename Out>
std::unique_ptr<const Op> MakeJoinTo(const std::vector<Features>& in, const Features& out) {
  return MakeByLine(out.height, [=](const Memory& memory, int64_t line) {
    Out* to = out.At<Out>(memory.arena, line * out.line());
    for (const Features& piece : in) {
      const float* from = piece.At(memory.arena, line * piece.line());
      for (int64_t p = 0; p < out.width; ++p) {
        Store(from + p * piece.channels, piece.channels, to + p * out.channels);
      }
      to += piece.channels;
    }
  });
}

}  // namespace

std::unique_ptr<const Op> MakeInput(const Features& out, float factor, float shift) {
  return MakeFromImage(&Row::x, out,
                       [=](float value, const Row&) { return value * factor + shift; });
}

std::unique_ptr<const Op> MakeOutput(const Features& in, int64_t divisor) {
  return MakeToImage(in, &Row::out, DividedByTime(divisor));
}

std::unique_ptr<const Op> MakeUpsample(const Features& in, const Features& out) {
  return MakeByLine(out.height, [=](const Memory& memory, int64_t line) {
    const float* from = LineOf(in, memory, line / 2);
    float* to = LineOf(out, memory, line);
    for (int64_t p = 0; p < in.width; ++p, from += in.channels, to += 2 * in.channels) {
      std::copy_n(from, in.channels, to);
      std::copy_n(from, in.channels, to + in.channels);
    }
  });
}

std::unique_ptr<const Op> MakeInterleave(const std::vector<Features>& in, const Features& out,
                                         bool accumulate) {
  return MakeByLine(out.height, [=](const Memory& memory, int64_t line) {
    const Features &left = in[line % 2 * 2], &right = in[line % 2 * 2 + 1];
    const float* a = LineOf(left, memory, line / 2);
    const float* b = LineOf(right, memory, line / 2);
    float* to = LineOf(out, memory, line);
    for (int64_t p = 0; p < left.width; ++p, to += 2 * out.channels) {
      Put(a + p * out.channels, out.channels, accumulate, to);
      Put(b + p * out.channels, out.channels, accumulate, to + out.channels);
    }
  });
}

std::unique_ptr<const Op> MakeAveragePool(const Features& in, const Features& out) {
  return MakeByLine(out.height, [=](const Memory& memory, int64_t line) {
    const float* a = LineOf(in, memory, 2 * line);
    const float* b = a + in.line();
    float* to = LineOf(out, memory, line);
    for (int64_t p = 0; p < out.width; ++p) {
      for (int64_t c = 0; c < in.channels; ++c) {
        const int64_t left = 2 * p * in.channels + c, right = left + in.channels;
        to[p * in.channels + c] = (a[left] + a[right] + b[left] + b[right]) * 0.25f;
      }
    }
  });
}

std::unique_ptr<const Op> MakeJoin(const std::vector<Features>& in, const Features& out) {
  return out.type == Type::kBfloat16 ? MakeJoinTo<Bfloat16>(in, out) : MakeJoinTo<float>(in, out);
}

std::unique_ptr<const Op> MakeScale(const Features& features, float factor) {
  return MakeByLine(features.height, [=](const Memory& memory, int64_t line) {
    float* x = LineOf(features, memory, line);
    Scale(x, features.line(), factor, x);
  });
}

}  // namespace tweedie::plan
