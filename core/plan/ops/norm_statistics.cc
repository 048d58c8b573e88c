#include "core/plan/ops/norm_statistics.h"

#include <cmath>
#include <limits>

#include "core/plan/ops/kernels.h"

namespace tweedie::plan {
namespace {

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

const std::vector<double>& SumsOf(const LineSums& sums, int64_t height) {
  thread_local std::vector<double> total;
  total.assign(2 * sums.channels, 0.0);
  for (int64_t line = 0; line < height; ++line) {
    AddTo(sums.First(line), 2 * sums.channels, total.data());
  }
  return total;
}

void MakeGroupMoments(const GroupNormOptions& o, const Memory& memory,
                      std::vector<Moments>* groups) {
  const LineSums sums{o.out.channels, memory.arena + o.scratch};
  thread_local std::vector<Moments> channels;
  channels.clear();
  const std::vector<double>& total = SumsOf(sums, o.out.height);
  const auto pixels = static_cast<double>(o.out.pixels());
  for (const Features& in : o.in) {
    const float* first = in.At(memory.arena);
    for (int64_t i = 0; i < in.channels; ++i) {
      const size_t c = channels.size();
      const double sum = total[c], square = total[o.out.channels + c], mean = sum / pixels;
      channels.push_back({first[i] + mean, (square - sum * mean) / pixels});
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
