#include "core/plan/group_norm.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/plan/kernels.h"

namespace tweedie::plan {
namespace {

// In the scratch: for each line, a sum and a sum of squares of every channel.
struct Moments {
  int64_t channels;
  float* begin;
  float* Sum(int64_t line) const { return begin + 2 * channels * line; }
  float* Square(int64_t line) const { return Sum(line) + channels; }
};

class LineMoments final : public Op {
 public:
  explicit LineMoments(std::shared_ptr<const GroupNormOptions> options)
      : options_(std::move(options)) {}
  Action Bind(const Memory& memory) const override {
    const Moments moments{options_->out.channels, memory.arena + options_->scratch};
    return [o = options_, arena = memory.arena, moments](Part part) {
      const int64_t height = o->out.height;
      for (int64_t line = part.Begin(height); line < part.End(height); ++line) {
        std::fill_n(moments.Sum(line), 2 * moments.channels, 0.0f);
        int64_t channel = 0;
        for (const Features& in : o->in) {
          const float* x = arena + in.offset;
          AddMoments(x + line * in.line(), in.width, in.channels, x, moments.Sum(line) + channel,
                     moments.Square(line) + channel);
          channel += in.channels;
        }
      }
    };
  }

 private:
  const std::shared_ptr<const GroupNormOptions> options_;
};

class Normalize final : public Op {
 public:
  explicit Normalize(std::shared_ptr<const GroupNormOptions> options)
      : options_(std::move(options)) {}
  Action Bind(const Memory& memory) const override {
    return [o = options_, memory](Part part) {
      // A part's own, as all make the same.
      thread_local std::vector<float> scale, shift;
      scale.resize(o->out.channels);
      shift.resize(o->out.channels);
      MakeAffine(*o, memory, scale.data(), shift.data());
      const auto apply = o->out.type == Type::kBfloat16 ? ApplyTo<Bfloat16> : ApplyTo<float>;
      apply(*o, memory.arena, part, scale.data(), shift.data());
    };
  }

 private:
  // Mean and variance of one channel; `first` is its first value.
  struct ChannelMoments {
    double mean, variance;
  };
  static ChannelMoments MomentsOf(const Moments& moments, const Features& out, int64_t channel,
                                  double first) {
    double sum = 0, square = 0;
    for (int64_t line = 0; line < out.height; ++line) {
      sum += moments.Sum(line)[channel];
      square += moments.Square(line)[channel];
    }
    const auto pixels = static_cast<double>(out.pixels());
    const double mean = sum / pixels;
    return {first + mean, (square - sum * mean) / pixels};
  }

  // y = scale x + shift is the whole norm.
  static void MakeAffine(const GroupNormOptions& o, const Memory& memory, float* scale,
                         float* shift) {
    const Moments moments{o.out.channels, memory.arena + o.scratch};
    thread_local std::vector<ChannelMoments> channels;
    channels.clear();
    for (const Features& in : o.in) {
      for (int64_t c = 0; c < in.channels; ++c) {
        channels.push_back(MomentsOf(moments, o.out, static_cast<int64_t>(channels.size()),
                                     memory.arena[in.offset + c]));
      }
    }
    const int64_t size = o.out.channels / o.num_groups;
    for (int64_t first = 0; first < o.out.channels; first += size) {
      const ChannelMoments group = Together(&channels[first], size);
      const double factor = 1 / std::sqrt(group.variance + o.eps);
      for (int64_t c = first; c < first + size; ++c) {
        const double a = factor * o.gamma[c];
        const TimeAffine time = TimeOf(o, memory, c);
        scale[c] = static_cast<float>(a * time.scale);
        shift[c] = static_cast<float>((o.beta[c] - group.mean * a) * time.scale + time.shift);
      }
    }
  }

  // Of all values of `count` channels, which have as many each.
  static ChannelMoments Together(const ChannelMoments* channels, int64_t count) {
    const auto n = static_cast<double>(count);
    double mean = 0, variance = 0;
    for (int64_t c = 0; c < count; ++c) mean += channels[c].mean;
    mean /= n;
    for (int64_t c = 0; c < count; ++c) {
      const double apart = channels[c].mean - mean;
      variance += channels[c].variance + apart * apart;
    }
    return {mean, variance / n};
  }

  struct TimeAffine {
    double scale, shift;
  };
  static TimeAffine TimeOf(const GroupNormOptions& o, const Memory& memory, int64_t channel) {
    if (o.time_scale < 0) return {1, 0};
    const float* time = memory.row->time + o.time_scale + channel;
    return {1.0 + time[0], time[o.out.channels]};
  }

  template <typename Out>
  static void ApplyTo(const GroupNormOptions& o, float* arena, Part part, const float* scale,
                      const float* shift) {
    const int64_t begin = part.Begin(o.out.height), end = part.End(o.out.height);
    int64_t channel = 0;
    for (const Features& in : o.in) {
      const float* x = in.At(arena, begin * in.line());
      Out* y = o.out.At<Out>(arena, begin * o.out.line() + channel);
      const int64_t pixels = (end - begin) * in.width;
      o.silu
          ? AffineSilu(x, pixels, in.channels, scale + channel, shift + channel, y, o.out.channels)
          : Affine(x, pixels, in.channels, scale + channel, shift + channel, y, o.out.channels);
      channel += in.channels;
    }
  }

  const std::shared_ptr<const GroupNormOptions> options_;
};

}  // namespace

int64_t GroupNormScratch(const Features& features) {
  return 2 * features.channels * features.height;
}

void AddGroupNorm(GroupNormOptions options, Ops* ops) {
  const auto shared = std::make_shared<const GroupNormOptions>(std::move(options));
  ops->push_back(std::make_unique<LineMoments>(shared));
  ops->push_back(std::make_unique<Normalize>(shared));
}

}  // namespace tweedie::plan
