#include "core/plan/ops/norm_statistics.h"

#include <cmath>
#include <limits>

namespace tweedie::plan {
namespace {

// `first` is the channel's first value.
Moments ChannelMoments(const LineSums& sums, const Features& out, int64_t channel, double first) {
  const ChannelSums sum = SumsOf(sums, out.height, channel);
  const auto pixels = static_cast<double>(out.pixels());
  const double mean = sum.first / pixels;
  return {first + mean, (sum.second - sum.first * mean) / pixels};
}

// Of all values of `count` channels, which have as many each.
Moments Together(const Moments* channels, int64_t count) {
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

}  // namespace

double Moments::InverseDeviation(double eps) const {
  if (!std::isfinite(variance)) return std::numeric_limits<double>::quiet_NaN();
  return 1 / std::sqrt(variance + eps);
}

ChannelSums SumsOf(const LineSums& sums, int64_t height, int64_t channel) {
  ChannelSums sum;
  for (int64_t line = 0; line < height; ++line) {
    sum.first += sums.First(line)[channel];
    sum.second += sums.Second(line)[channel];
  }
  return sum;
}

void MakeGroupMoments(const GroupNormOptions& o, const Memory& memory,
                      std::vector<Moments>* groups) {
  const LineSums sums{o.out.channels, memory.arena + o.scratch};
  thread_local std::vector<Moments> channels;
  channels.clear();
  for (const Features& in : o.in) {
    for (int64_t c = 0; c < in.channels; ++c) {
      channels.push_back(ChannelMoments(sums, o.out, static_cast<int64_t>(channels.size()),
                                        memory.arena[in.offset + c]));
    }
  }
  const int64_t size = o.out.channels / o.num_groups;
  groups->clear();
  for (int64_t first = 0; first < o.out.channels; first += size) {
    groups->push_back(Together(&channels[first], size));
  }
}

ChannelAffine AffineOf(const GroupNormOptions& o, const Memory& memory, int64_t channel) {
  const double gamma = o.gamma[channel], beta = o.beta[channel];
  if (o.time_scale < 0) return {gamma, beta};
  const float* time = memory.row->time + o.time_scale + channel;
  const double scale = 1.0 + time[0];
  return {gamma * scale, beta * scale + time[o.out.channels]};
}

void MakeAffine(const GroupNormOptions& o, const Memory& memory, std::vector<float>* scale,
                std::vector<float>* shift) {
  scale->resize(o.out.channels);
  shift->resize(o.out.channels);
  thread_local std::vector<Moments> groups;
  MakeGroupMoments(o, memory, &groups);
  const int64_t size = o.out.channels / o.num_groups;
  for (int64_t c = 0; c < o.out.channels; ++c) {
    const Moments& group = groups[c / size];
    const ChannelAffine channel = AffineOf(o, memory, c);
    const double factor = channel.factor * group.InverseDeviation(o.eps);
    (*scale)[c] = static_cast<float>(factor);
    (*shift)[c] = static_cast<float>(channel.shift - group.mean * factor);
  }
}

}  // namespace tweedie::plan
