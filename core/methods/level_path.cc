#include "core/methods/level_path.h"

#include "absl/strings/str_cat.h"
#include "core/base/field_error.h"

namespace tweedie {

LevelPath StepsDown(const std::vector<int>& kept) { return RepeatedDescents(kept, 1); }

LevelPath RepeatedDescents(const std::vector<int>& kept, int times) {
  LevelPath path;
  for (int i = 0; i < times; ++i) {
    path.insert(path.end(), kept.begin(), kept.end());
    path.push_back(-1);
  }
  return path;
}

LevelPath RepeatedLevels(const std::vector<int>& kept, int times) {
  LevelPath path;
  for (const int t : kept) path.insert(path.end(), static_cast<size_t>(times), t);
  path.push_back(kept.back());
  path.push_back(-1);
  return path;
}

LevelPath Jumps(const std::vector<int>& kept, int length, int times) {
  if (length == 0) return StepsDown(kept);
  const int count = static_cast<int>(kept.size());
  const auto level = [&](int from_below) {
    return kept[static_cast<size_t>(count - 1 - from_below)];
  };
  LevelPath path;
  std::vector<int> jumps(kept.size(), 0);  // still to make
  for (int i = 0; i < count - length; i += length) jumps[static_cast<size_t>(i)] = times - 1;
  for (int i = count - 1; i >= 0; --i) {
    path.push_back(level(i));
    if (jumps[static_cast<size_t>(i)]-- <= 0) continue;
    for (int up = 0; up < length; ++up) path.push_back(level(++i));
  }
  path.push_back(-1);
  return path;
}

std::vector<size_t> EvaluationPlaces(const LevelPath& path) {
  std::vector<size_t> places;
  for (size_t i = 0; i + 1 < path.size(); ++i) {
    if (path[i + 1] <= path[i]) places.push_back(i);
  }
  return places;
}

absl::Status CheckEvaluations(absl::string_view field, int64_t value, double evaluations) {
  constexpr int kMost = 1'000'000;
  if (evaluations <= kMost) return absl::OkStatus();
  return FieldError(
      field, absl::StrCat("must make at most ", kMost, " evaluations of the network; was ", value));
}

}  // namespace tweedie
