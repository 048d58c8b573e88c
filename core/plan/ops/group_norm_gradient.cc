#include "core/plan/ops/group_norm_gradient.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "core/plan/ops/kernels.h"
#include "core/plan/ops/norm_statistics.h"

namespace tweedie::plan {
namespace {

using Options = std::shared_ptr<const GroupNormGradientOptions>;

// Lines of a piece of the norm's input, without what a channel has; its first channel is
// `channel` of the norm.
NormedPixels PixelsOf(const Features& in, float* arena, int64_t begin, int64_t end) {
  NormedPixels pixels;
  pixels.x = in.At(arena, begin * in.line());
  pixels.pixels = (end - begin) * in.width;
  pixels.channels = in.channels;
  pixels.centre = in.At(arena);
  return pixels;
}

// With v the norm's result before SiLU: its gradient in place of that of the result, and of each
// line and channel its sum, and that of its products with x about the channel's first value.
class LineGradients final : public Op {
 public:
  explicit LineGradients(Options options) : options_(std::move(options)) {}
  Action Bind(const Memory& memory) const override {
    return [o = options_, memory](Part part) {
      thread_local std::vector<float> scale, shift;
      MakeAffine(o->norm, memory, &scale, &shift);
      const int64_t height = o->out.height;
      for (int64_t line = part.Begin(height); line < part.End(height); ++line) {
        Run(*o, memory.arena, line, scale.data(), shift.data());
      }
    };
  }

 private:
  static void Run(const GroupNormGradientOptions& o, float* arena, int64_t line, const float* scale,
                  const float* shift) {
    const LineSums sums{o.out.channels, arena + o.scratch};
    std::fill_n(sums.First(line), 2 * sums.channels, 0.0f);
    int64_t channel = 0;
    for (const Features& in : o.norm.in) {
      NormedPixels pixels = PixelsOf(in, arena, line, line + 1);
      pixels.scale = scale + channel;
      pixels.shift = shift + channel;
      float* gradient = o.out.At(arena, line * o.out.line() + channel);
      const auto run = o.norm.silu ? SiluGradient : AffineGradient;
      run(pixels, gradient, o.out.channels, sums.First(line) + channel,
          sums.Second(line) + channel);
      channel += in.channels;
    }
  }

  const Options options_;
};

// With g the gradient of v = a u + b and u = (x - mean) r of a group, r = 1 / deviation: that of
// x is r (a g - A - u B), with A the mean of a g over the group, and B that of a g u. (Wu and
// He, 2018, differentiated.)
class Differentiate final : public Op {
 public:
  explicit Differentiate(Options options) : options_(std::move(options)) {}
  Action Bind(const Memory& memory) const override {
    return [o = options_, memory](Part part) {
      thread_local Factors factors;
      MakeFactors(*o, memory, &factors);
      Apply(*o, memory.arena, part, factors);
    };
  }

 private:
  // g scale + (x - first value) slope + shift is the gradient of x, channel by channel.
  struct Factors {
    std::vector<float> scale, slope, shift;
    std::vector<float> firsts;  // values of the channels
    std::vector<Moments> groups;
    std::vector<double> sums;
  };

  static void MakeFactors(const GroupNormGradientOptions& o, const Memory& memory,
                          Factors* factors) {
    const int64_t channels = o.out.channels, size = channels / o.norm.num_groups;
    factors->scale.resize(channels);
    factors->slope.resize(channels);
    factors->shift.resize(channels);
    factors->firsts.clear();
    for (const Features& in : o.norm.in) {
      const float* first = in.At(memory.arena);
      factors->firsts.insert(factors->firsts.end(), first, first + in.channels);
    }
    MakeGroupMoments(o.norm, memory, &factors->groups);
    factors->sums = SumsOf({o.out.channels, memory.arena + o.scratch}, o.out.height);
    for (int64_t group = 0; group < o.norm.num_groups; ++group) {
      MakeGroup(o, memory, group, size, factors);
    }
  }

  // Of a group of `size` channels.
  static void MakeGroup(const GroupNormGradientOptions& o, const Memory& memory, int64_t group,
                        int64_t size, Factors* factors) {
    const Moments& moments = factors->groups[group];
    const double r = moments.InverseDeviation(o.norm.eps);
    const int64_t begin = group * size, end = begin + size;
    const auto apart = [&](int64_t c) { return factors->firsts[c] - moments.mean; };
    double a_g = 0, a_g_u = 0;
    for (int64_t c = begin; c < end; ++c) {
      const double a = AffineOf(o.norm, memory, c).factor;
      const double g = factors->sums[c], g_x = factors->sums[o.out.channels + c];
      a_g += a * g;
      a_g_u += a * r * (g_x + apart(c) * g);
      factors->scale[c] = static_cast<float>(r * a);
    }
    const auto values = static_cast<double>(size * o.out.pixels());
    const double slope = -r * r * a_g_u / values;
    for (int64_t c = begin; c < end; ++c) {
      factors->slope[c] = static_cast<float>(slope);
      factors->shift[c] = static_cast<float>(slope * apart(c) - r * a_g / values);
    }
  }

  static void Apply(const GroupNormGradientOptions& o, float* arena, Part part,
                    const Factors& factors) {
    const int64_t begin = part.Begin(o.out.height), end = part.End(o.out.height);
    int64_t channel = 0;
    for (size_t i = 0; i < o.in.size(); ++i) {
      const auto& [gradient, accumulate] = o.in[i];
      NormedPixels pixels = PixelsOf(o.norm.in[i], arena, begin, end);
      pixels.scale = factors.scale.data() + channel;
      pixels.shift = factors.shift.data() + channel;
      const float* slope = factors.slope.data() + channel;
      float* g = o.out.At(arena, begin * o.out.line() + channel);
      float* y = gradient.At(arena, begin * gradient.line());
      if (gradient.offset == o.out.offset) {
        NormGradientInPlace(pixels, slope, g, o.out.channels);
      } else {
        (accumulate ? AddNormGradient : NormGradient)(pixels, slope, g, o.out.channels, y);
      }
      channel += gradient.channels;
    }
  }

  const Options options_;
};

}  // namespace

void AddGroupNormGradient(GroupNormGradientOptions options, Ops* ops) {
  const auto shared = std::make_shared<const GroupNormGradientOptions>(std::move(options));
  ops->push_back(std::make_unique<LineGradients>(shared));
  ops->push_back(std::make_unique<Differentiate>(shared));
}

}  // namespace tweedie::plan
