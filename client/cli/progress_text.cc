#include "client/cli/progress_text.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/cli/metrics_text.h"
#include "client/cli/text.h"

namespace tweedie::cli {
namespace {

constexpr absl::Duration kWindow = absl::Seconds(10);

double Fraction(const v1::Progress& progress) {
  if (progress.num_steps() <= 0) return 0;
  return std::clamp(static_cast<double>(progress.step()) / progress.num_steps(), 0.0, 1.0);
}

std::optional<absl::Duration> TimeLeft(const ProgressFacts& facts) {
  if (facts.progress.has_remaining()) return ToDuration(facts.progress.remaining());
  if (facts.steps_per_second <= 0) return std::nullopt;
  const int steps_left = facts.progress.num_steps() - facts.progress.step();
  return absl::Seconds(steps_left / facts.steps_per_second);
}

std::string QueuedText(int ahead) {
  if (ahead == 0) return "queued";
  return absl::StrCat("queued, ", ahead, ahead == 1 ? " job ahead" : " jobs ahead");
}

void AppendRates(const ProgressFacts& facts, std::vector<std::string>* parts) {
  if (facts.steps_per_second <= 0) return;
  parts->push_back(absl::StrCat(FormatRate(facts.steps_per_second), " step/s"));
  const int num_steps = facts.progress.num_steps();
  if (facts.num_images <= 0 || num_steps <= 0) return;
  const double images_per_second = facts.steps_per_second * facts.num_images / num_steps;
  parts->push_back(absl::StrCat(FormatRate(images_per_second), " images/s"));
}

}  // namespace

void RateMeter::Add(absl::Time time, int step) {
  if (!samples_.empty() && step < samples_.back().second) samples_.clear();
  samples_.emplace_back(time, step);
  while (samples_.size() > 2 && time - samples_[1].first >= kWindow) samples_.pop_front();
}

double RateMeter::steps_per_second() const {
  if (samples_.size() < 2) return 0;
  const double seconds = absl::ToDoubleSeconds(samples_.back().first - samples_.front().first);
  return seconds > 0 ? (samples_.back().second - samples_.front().second) / seconds : 0;
}

std::string ProgressText(const ProgressFacts& facts) {
  const v1::Progress& progress = facts.progress;
  if (facts.state == v1::Job::QUEUED) return QueuedText(progress.queue_position());
  std::vector<std::string> parts = {
      absl::StrCat(progress.step(), "/", progress.num_steps(), " steps"),
      absl::StrCat(static_cast<int>(100 * Fraction(progress)), "%")};
  const auto left = TimeLeft(facts);
  if (left) parts.push_back(absl::StrCat(FormatClock(*left), " left"));
  AppendRates(facts, &parts);
  std::string means = MeansText(progress.metrics());
  if (!means.empty()) parts.push_back(std::move(means));
  return absl::StrJoin(parts, ", ");
}

std::string ProgressBar(const v1::Progress& progress, int width) {
  const auto done = static_cast<size_t>(std::lround(Fraction(progress) * width));
  return absl::StrCat("[", std::string(done, '#'), std::string(width - done, '.'), "]");
}

}  // namespace tweedie::cli
