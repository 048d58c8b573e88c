#include "client/cli/top/table.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "client/cli/job_text.h"
#include "client/cli/plain_text.h"
#include "client/cli/text.h"

namespace tweedie::cli {
namespace {

using Cells = std::vector<std::string>;

constexpr int kBarWidth = 16;

bool IsRunning(const v1::Job& job) { return job.state() == v1::Job::RUNNING; }

std::string TimeLeft(const v1::Progress& progress, double rate) {
  if (progress.has_remaining()) return FormatClock(ToDuration(progress.remaining()));
  if (rate <= 0) return "";
  return FormatClock(absl::Seconds((progress.num_steps() - progress.step()) / rate));
}

Cells JobCells(const v1::Job& job, double rate) {
  const v1::Progress& progress = job.progress();
  Cells cells = {job.name(), job.creator(), TaskText(job), absl::StrCat(job.num_images())};
  if (IsRunning(job)) {
    cells.push_back(absl::StrCat(ProgressBar(progress, kBarWidth), " ", progress.step(), "/",
                                 progress.num_steps()));
    cells.push_back(rate > 0 ? FormatRate(rate) : "");
    cells.push_back(TimeLeft(progress, rate));
    cells.push_back(job.server());
  } else {
    cells.push_back(absl::StrCat("queued, ", progress.queue_position(), " ahead"));
  }
  return cells;
}

Cells ServerCells(const v1::QueueServer& server) {
  return {server.name(), server.address(), absl::StrJoin(server.devices(), ","),
          absl::StrCat(server.running_jobs()), absl::StrJoin(server.models(), ",")};
}

void AppendTable(const std::vector<Cells>& rows, std::vector<std::string>* lines) {
  for (const absl::string_view line : absl::StrSplit(FormatTable(rows), '\n')) {
    lines->emplace_back(line);
  }
}

// Cuts what does not fit, and says how many lines that were.
void Fit(size_t width, size_t height, std::vector<std::string>* lines) {
  if (height > 0 && lines->size() > height) {
    const size_t left_out = lines->size() - height + 1;
    lines->resize(height - 1);
    lines->push_back(absl::StrCat("and ", left_out, " more"));
  }
  for (std::string& line : *lines) {
    if (line.size() > width) line.resize(width);
  }
}

}  // namespace

void TopTable::OnEvent(const v1::WatchJobsResponse& event, absl::Time now) {
  if (event.listing_complete()) problem_.clear();
  const v1::Job& job = event.job();
  if (job.name().empty()) return;
  const bool is_live = job.state() == v1::Job::QUEUED || IsRunning(job);
  if (event.deleted() || !is_live) {
    rows_.erase(job.name());
    return;
  }
  Row& row = rows_[job.name()];
  row.job = job;
  if (IsRunning(job)) row.meter.Add(now, job.progress().step());
}

void TopTable::OnBreak(std::string problem) {
  rows_.clear();
  problem_ = std::move(problem);
}

std::vector<const TopTable::Row*> TopTable::Sorted() const {
  std::vector<const Row*> rows;
  for (const auto& [name, row] : rows_) rows.push_back(&row);
  const auto key = [](const Row* row) {
    const v1::Job& job = row->job;
    return std::make_tuple(!IsRunning(job), job.progress().queue_position(),
                           job.start_time().seconds(), job.create_time().seconds());
  };
  std::stable_sort(rows.begin(), rows.end(),
                   [&](const Row* a, const Row* b) { return key(a) < key(b); });
  return rows;
}

std::string TopTable::Title() const {
  int running = 0;
  double rate = 0;
  for (const auto& [name, row] : rows_) {
    if (!IsRunning(row.job)) continue;
    ++running;
    rate += row.meter.steps_per_second();
  }
  std::string title = absl::StrCat("tweedie at ", server_, ": ", running, " running, ",
                                   rows_.size() - running, " queued");
  if (rate > 0) absl::StrAppend(&title, ", ", FormatRate(rate), " step/s");
  if (!problem_.empty()) absl::StrAppend(&title, "; ", PlainLine(problem_));
  return title;
}

std::vector<std::string> TopTable::Lines(size_t width, size_t height) const {
  std::vector<std::string> lines = {Title(), ""};
  std::vector<Cells> servers = {{"SERVER", "ADDRESS", "DEVICES", "RUNNING", "MODELS"}};
  for (const v1::QueueServer& server : info_.servers()) servers.push_back(ServerCells(server));
  AppendTable(servers, &lines);
  lines.emplace_back();
  std::vector<Cells> jobs = {
      {"JOB", "CREATOR", "TASK", "IMAGES", "PROGRESS", "STEP/S", "LEFT", "SERVER"}};
  for (const Row* row : Sorted()) {
    jobs.push_back(JobCells(row->job, row->meter.steps_per_second()));
  }
  AppendTable(jobs, &lines);
  Fit(width, height, &lines);
  return lines;
}

std::vector<v1::Job> TopTable::Jobs() const {
  std::vector<v1::Job> jobs;
  for (const Row* row : Sorted()) jobs.push_back(row->job);
  return jobs;
}

}  // namespace tweedie::cli
