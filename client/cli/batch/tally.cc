#include "client/cli/batch/tally.h"

#include "absl/strings/str_cat.h"
#include "client/cli/progress_text.h"
#include "client/cli/text.h"

namespace tweedie::cli {
namespace {

constexpr int kBarWidth = 20;

void Append(int count, const char* what, std::string* text) {
  if (count > 0) absl::StrAppend(text, ", ", count, " ", what);
}

}  // namespace

int EndedOf(const Tally& tally) { return tally.done + tally.failed + tally.refused; }

std::string TallyLine(const Tally& tally, int ended, absl::Duration elapsed) {
  v1::Progress progress;
  progress.set_step(EndedOf(tally));
  progress.set_num_steps(tally.total);
  std::string line =
      absl::StrCat(ProgressBar(progress, kBarWidth), " ", progress.step(), "/", tally.total);
  Append(tally.failed, "failed", &line);
  Append(tally.refused, "refused", &line);
  Append(tally.submitted, "submitted", &line);
  Append(tally.in_flight, "in flight", &line);
  const double rate = ended / std::max(absl::ToDoubleSeconds(elapsed), 1e-3);
  if (ended == 0) return line;
  absl::StrAppend(&line, ", ", FormatRate(rate), " jobs/s, ",
                  FormatClock(absl::Seconds((tally.total - progress.step()) / rate)), " left");
  return line;
}

std::string TallySummary(const Tally& tally) {
  std::string text =
      absl::StrCat(tally.total, tally.total == 1 ? " job: " : " jobs: ", tally.done, " done");
  Append(tally.failed, "failed", &text);
  Append(tally.refused, "refused", &text);
  Append(tally.submitted, "submitted", &text);
  Append(tally.total - EndedOf(tally) - tally.submitted, "left", &text);
  return text;
}

}  // namespace tweedie::cli
