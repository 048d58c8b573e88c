#include "client/cli/progress_view.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "client/cli/json.h"
#include "client/cli/text.h"

namespace tweedie::cli {
namespace {

constexpr int kBarWidth = 20;
constexpr absl::Duration kLineInterval = absl::Seconds(1);

}  // namespace

ProgressView::ProgressView(Session* session) : session_(session) {}

void ProgressView::OnEvent(const v1::WatchJobResponse& event, absl::Time now) {
  if (session_->json()) session_->Result(ToJson(event));
  if (event.has_job()) OnJob(event.job(), now);
  if (event.has_progress()) OnProgress(event.progress(), now);
}

void ProgressView::Close() { session_->terminal().Clear(); }

void ProgressView::OnJob(const v1::Job& job, absl::Time now) {
  const bool changed = job.state() != facts_.state;
  name_ = job.name();
  facts_.state = job.state();
  facts_.progress = job.progress();
  facts_.num_images = job.num_images();
  if (job.state() == v1::Job::RUNNING) meter_.Add(now, job.progress().step());
  facts_.steps_per_second = meter_.steps_per_second();
  if (!HasEnded(job)) Show(now, changed);
}

void ProgressView::OnProgress(const v1::Progress& progress, absl::Time now) {
  facts_.progress = progress;
  if (facts_.state == v1::Job::RUNNING) meter_.Add(now, progress.step());
  facts_.steps_per_second = meter_.steps_per_second();
  Show(now, /*at_once=*/false);
}

void ProgressView::Show(absl::Time now, bool at_once) {
  if (session_->json() || session_->quiet()) return;
  Terminal& terminal = session_->terminal();
  const absl::Duration interval = terminal.can_redraw() ? kRedrawInterval : kLineInterval;
  if (!at_once && now - last_shown_ < interval) return;
  last_shown_ = now;
  const std::string text = ProgressText(facts_);
  if (!terminal.can_redraw()) {
    terminal.Print(
        absl::StrCat(name_, " ", LowerCase(v1::Job::State_Name(facts_.state)), ": ", text));
  } else if (facts_.state == v1::Job::QUEUED) {
    terminal.Redraw(absl::StrCat(name_, " ", text));
  } else {
    terminal.Redraw(absl::StrCat(name_, " ", ProgressBar(facts_.progress, kBarWidth), " ", text));
  }
}

}  // namespace tweedie::cli
