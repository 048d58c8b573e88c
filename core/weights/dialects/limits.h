#ifndef TWEEDIE_CORE_WEIGHTS_DIALECTS_LIMITS_H_
#define TWEEDIE_CORE_WEIGHTS_DIALECTS_LIMITS_H_

#include <cstdint>

namespace tweedie {

// What configurations of every dialect may say.
inline constexpr int64_t kMaxSide = 16384;
inline constexpr int64_t kMaxChannels = 65536;
inline constexpr int64_t kMaxLevels = 12;
inline constexpr int64_t kMaxTimesteps = 100'000;

}  // namespace tweedie

#endif  // TWEEDIE_CORE_WEIGHTS_DIALECTS_LIMITS_H_
