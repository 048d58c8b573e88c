#include "core/plan/ops/move_gradients.h"

#include <algorithm>

#include "core/plan/ops/by_line.h"
#include "core/plan/ops/kernels.h"

namespace tweedie::plan {
namespace {

void Put(const float* from, int64_t count, bool accumulate, float* to) {
  accumulate ? Add(from, count, to) : static_cast<void>(std::copy_n(from, count, to));
}

float* LineOf(const Features& features, const Memory& memory, int64_t line) {
  return features.At(memory.arena, line * features.line());
}

}  // namespace

std::unique_ptr<const Op> MakeOutputGradient(const Features& out, int64_t divisor) {
  return MakeByLine(out.height, [=](const Memory& memory, int64_t line) {
    float* to = LineOf(out, memory, line);
    for (int64_t c = 0; c < out.channels; ++c) {
      const float* from = memory.row->out_gradient + c * out.pixels() + line * out.width;
      for (int64_t p = 0; p < out.width; ++p) {
        to[p * out.channels + c] = divisor < 0 ? from[p] : from[p] / memory.row->time[divisor];
      }
    }
  });
}

std::unique_ptr<const Op> MakeInputGradient(const Features& in, float factor) {
  return MakeByLine(in.height, [=](const Memory& memory, int64_t line) {
    const float* from = LineOf(in, memory, line);
    for (int64_t c = 0; c < in.channels; ++c) {
      float* to = memory.row->x_gradient + c * in.pixels() + line * in.width;
      for (int64_t p = 0; p < in.width; ++p) to[p] = from[p * in.channels + c] * factor;
    }
  });
}

std::unique_ptr<const Op> MakeSumPool(const Features& in, const Features& out, bool accumulate) {
  return MakeByLine(out.height, [=](const Memory& memory, int64_t line) {
    const float* above = LineOf(in, memory, 2 * line);
    const float* below = above + in.line();
    float* to = LineOf(out, memory, line);
    for (int64_t p = 0; p < out.width; ++p, to += out.channels) {
      const int64_t left = 2 * p * in.channels, right = left + in.channels;
      Put(above + left, out.channels, accumulate, to);
      Add(above + right, out.channels, to);
      Add(below + left, out.channels, to);
      Add(below + right, out.channels, to);
    }
  });
}

std::unique_ptr<const Op> MakeSpread(const Features& in, const Features& out, bool accumulate) {
  return MakeByLine(out.height, [=](const Memory& memory, int64_t line) {
    const float* from = LineOf(in, memory, line / 2);
    float* to = LineOf(out, memory, line);
    for (int64_t p = 0; p < out.width; ++p, to += out.channels) {
      const float* pixel = from + p / 2 * in.channels;
      for (int64_t c = 0; c < out.channels; ++c) {
        to[c] = (accumulate ? to[c] : 0.0f) + pixel[c] * 0.25f;
      }
    }
  });
}

std::unique_ptr<const Op> MakePick(const Features& in, bool below, bool right, const Features& out,
                                   bool accumulate) {
  return MakeByLine(out.height, [=](const Memory& memory, int64_t line) {
    const float* from = LineOf(in, memory, 2 * line + (below ? 1 : 0));
    if (right) from += in.channels;
    float* to = LineOf(out, memory, line);
    for (int64_t p = 0; p < out.width; ++p, from += 2 * in.channels, to += out.channels) {
      Put(from, out.channels, accumulate, to);
    }
  });
}

std::unique_ptr<const Op> MakeSlice(const Features& in, int64_t first, const Features& out,
                                    bool accumulate) {
  return MakeByLine(out.height, [=](const Memory& memory, int64_t line) {
    const float* from = LineOf(in, memory, line) + first;
    float* to = LineOf(out, memory, line);
    for (int64_t p = 0; p < out.width; ++p, from += in.channels, to += out.channels) {
      Put(from, out.channels, accumulate, to);
    }
  });
}

std::unique_ptr<const Op> MakeAdd(const Features& in, const Features& out) {
  return MakeByLine(out.height, [=](const Memory& memory, int64_t line) {
    Add(LineOf(in, memory, line), out.line(), LineOf(out, memory, line));
  });
}

}  // namespace tweedie::plan
