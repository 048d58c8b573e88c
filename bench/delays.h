#ifndef TWEEDIE_BENCH_DELAYS_H_
#define TWEEDIE_BENCH_DELAYS_H_

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace tweedie {

// Times in tenths of a millisecond, up to 10 s, as counts. Thread-safe.
class Delays {
 public:
  void Add(double milliseconds) {
    const auto bin = static_cast<int64_t>(milliseconds * 10);
    ++counts_[static_cast<size_t>(std::clamp<int64_t>(bin, 0, kBins - 1))];
  }
  int64_t count() const {
    int64_t all = 0;
    for (const auto& n : counts_) all += n;
    return all;
  }
  // That many of all are not longer than; 0 if there are none.
  double Percentile(double share) const {
    const auto rank = static_cast<int64_t>(share * static_cast<double>(count()));
    int64_t seen = 0;
    for (size_t bin = 0; bin < kBins; ++bin) {
      seen += counts_[bin];
      if (seen > rank) return static_cast<double>(bin + 1) / 10;
    }
    return 0;
  }

 private:
  static constexpr int64_t kBins = 100000;
  std::array<std::atomic<int64_t>, kBins> counts_ = {};
};

}  // namespace tweedie

#endif  // TWEEDIE_BENCH_DELAYS_H_
