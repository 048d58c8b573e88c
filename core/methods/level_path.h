#ifndef TWEEDIE_CORE_METHODS_LEVEL_PATH_H_
#define TWEEDIE_CORE_METHODS_LEVEL_PATH_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace tweedie {

// The timesteps that a reverse process passes, one after the other, -1 being the
// clean image. From an entry to one that is not above it goes a step, with one
// evaluation; to a higher one goes a climb, which only adds noise. A path begins
// with a step and ends at -1. In the following `kept` is descending, at least
// one timestep.
using LevelPath = std::vector<int>;

// Once down: kept, -1.
LevelPath StepsDown(const std::vector<int>& kept);

// Down `times` times, each from kept[0].
LevelPath RepeatedDescents(const std::vector<int>& kept, int times);

// `times` steps at each level (to itself; the last of them, to the next level),
// and one from the lowest to -1.
LevelPath RepeatedLevels(const std::vector<int>& kept, int times);

// Down with jumps (Lugmayr et al., 2022, figure 9): at every `length`-th of the
// kept timesteps, counted from the lowest, that has `length` above it, back up by
// `length`, `times` - 1 times. No jumps if `length` is 0.
LevelPath Jumps(const std::vector<int>& kept, int length, int times);

// The indices of `path` at which there is an evaluation.
std::vector<size_t> EvaluationPlaces(const LevelPath& path);

// INVALID_ARGUMENT for `field`, whose value is `value`, if it makes more than a
// million evaluations. Check before a path is made.
absl::Status CheckEvaluations(absl::string_view field, int64_t value, double evaluations);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_METHODS_LEVEL_PATH_H_
