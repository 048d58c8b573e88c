#include "core/plan/ops/move_gradients.h"

#include "core/plan/ops/by_line.h"
#include "core/plan/ops/kernels.h"

namespace tweedie::plan {

std::unique_ptr<const Op> MakeOutputGradient(const Features& out, int64_t divisor) {
  return MakeFromImage(&Row::out_gradient, out, DividedByTime(divisor));
}

std::unique_ptr<const Op> MakeInputGradient(const Features& in, float factor) {
  return MakeToImage(in, &Row::x_gradient,
                     [factor](float value, const Row&) { return value * factor; });
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
