#include "core/plan/ops/moves.h"

#include <algorithm>
#include <utility>

#include "core/plan/ops/by_line.h"
#include "core/plan/ops/kernels.h"

namespace tweedie::plan {
namespace {

void Store(const float* from, int64_t count, float* to) { std::copy_n(from, count, to); }
void Store(const float* from, int64_t count, Bfloat16* to) { Round(from, count, to); }

void Put(const float* from, int64_t count, bool accumulate, float* to) {
  accumulate ? Add(from, count, to) : Store(from, count, to);
}

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
  return MakeByLine(out.height, [=](const Memory& memory, int64_t line) {
    float* to = memory.arena + out.offset + line * out.line();
    for (int64_t c = 0; c < out.channels; ++c) {
      const float* from = memory.row->x + c * out.pixels() + line * out.width;
      for (int64_t p = 0; p < out.width; ++p) to[p * out.channels + c] = from[p] * factor + shift;
    }
  });
}

std::unique_ptr<const Op> MakeOutput(const Features& in, int64_t divisor) {
  return MakeByLine(in.height, [=](const Memory& memory, int64_t line) {
    const float* from = memory.arena + in.offset + line * in.line();
    for (int64_t c = 0; c < in.channels; ++c) {
      float* to = memory.row->out + c * in.pixels() + line * in.width;
      for (int64_t p = 0; p < in.width; ++p) {
        const float value = from[p * in.channels + c];
        to[p] = divisor < 0 ? value : value / memory.row->time[divisor];
      }
    }
  });
}

std::unique_ptr<const Op> MakeUpsample(const Features& in, const Features& out) {
  return MakeByLine(out.height, [=](const Memory& memory, int64_t line) {
    const float* from = memory.arena + in.offset + line / 2 * in.line();
    float* to = memory.arena + out.offset + line * out.line();
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
    const float* a = memory.arena + left.offset + line / 2 * left.line();
    const float* b = memory.arena + right.offset + line / 2 * right.line();
    float* to = memory.arena + out.offset + line * out.line();
    for (int64_t p = 0; p < left.width; ++p, to += 2 * out.channels) {
      Put(a + p * out.channels, out.channels, accumulate, to);
      Put(b + p * out.channels, out.channels, accumulate, to + out.channels);
    }
  });
}

std::unique_ptr<const Op> MakeAveragePool(const Features& in, const Features& out) {
  return MakeByLine(out.height, [=](const Memory& memory, int64_t line) {
    const float* a = memory.arena + in.offset + 2 * line * in.line();
    const float* b = a + in.line();
    float* to = memory.arena + out.offset + line * out.line();
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
    float* x = memory.arena + features.offset + line * features.line();
    Scale(x, features.line(), factor, x);
  });
}

}  // namespace tweedie::plan
