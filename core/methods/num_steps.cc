#include <algorithm>
#include <vector>

#include "core/methods/level_path.h"
#include "core/methods/make_method.h"

namespace tweedie {
namespace {

// As many kept timesteps as the process has; which they are does not matter.
std::vector<int> Kept(const ReverseProcessSpec& process) {
  std::vector<int> kept;
  for (int t = process.num_steps - 1; t >= 0; --t) kept.push_back(t);
  return kept;
}

int Evaluations(const LevelPath& path) { return static_cast<int>(EvaluationPlaces(path).size()); }

int StepsOf(const DenoiseTask& task) { return task.process ? task.process->num_steps : 1; }

int StepsOf(const SdeditTask& task) {
  return Evaluations(RepeatedDescents(Kept(task.process), task.num_repeats));
}

int StepsOf(const AldTask& task) {
  if (task.prior == AldPrior::kAncestral) return task.process.num_steps;
  return Evaluations(RepeatedLevels(Kept(task.process), task.steps_per_level));
}

int StepsOf(const DdnmTask& task) {
  return Evaluations(Jumps(Kept(task.process), task.travel_length, task.travel_repeats));
}

int StepsOf(const RepaintTask& task) {
  return Evaluations(Jumps(Kept(task.process), task.jump_length, task.num_resamples));
}

// Once down.
template <typename SimpleTask>
int StepsOf(const SimpleTask& task) {
  return task.process.num_steps;
}

}  // namespace

int NumSteps(const TaskSpec& resolved) {
  return std::visit([](const auto& task) { return StepsOf(task); }, resolved.task);
}

}  // namespace tweedie
