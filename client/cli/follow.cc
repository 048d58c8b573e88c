#include "client/cli/follow.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "client/cli/exit_code.h"
#include "client/cli/fetch.h"
#include "client/cli/frame_writer.h"
#include "client/cli/job_text.h"
#include "client/cli/json.h"
#include "client/cli/metrics_text.h"
#include "client/cli/one_of.h"
#include "client/cli/preview/encoders.h"
#include "client/cli/preview/live_preview.h"
#include "client/cli/preview/preview.h"
#include "client/cli/progress_view.h"
#include "client/cli/session.h"
#include "core/base/status_macros.h"

namespace tweedie::cli {
namespace {

constexpr int kFrames = 50;
constexpr absl::Duration kSecondInterrupt = absl::Seconds(2);

// Of the frames that are written.
v1::Frame::Kind FrameKind(const OutputOptions& options) {
  return options.frame_kind == "x_t" ? v1::Frame::X_T : v1::Frame::X0_HAT;
}

// After the first Ctrl-C.
absl::StatusOr<int> Detach(Session& session, const std::string& name) {
  session.Note(absl::StrCat(name, " goes on. Ctrl-C again now cancels it. To watch it again:"));
  session.Note(absl::StrCat("  ", session.CommandLine(absl::StrCat("watch ", name))));
  if (!session.interrupts().WaitForCount(2, kSecondInterrupt)) return kInterrupted;
  ASSIGN_OR_RETURN(const v1::Job job, session.lasting_client().CancelJob(name));
  if (session.json()) session.Result(ToJson(job));
  session.Note(
      absl::StrCat(name, job.state() == v1::Job::SUCCEEDED || job.state() == v1::Job::FAILED
                             ? " had ended already"
                             : " is cancelled"));
  return kCancelled;
}

absl::StatusOr<int> Conclude(Session& session, const v1::Job& job, const OutputOptions& options) {
  if (!session.json()) session.Note(OutcomeText(job));
  if (job.state() == v1::Job::SUCCEEDED) {
    if (!options.out.empty()) {
      ASSIGN_OR_RETURN(const std::string written, FetchImages(session.client(), job, options));
      session.Note(written);
    } else {
      session.Note(absl::StrCat("to fetch the images: ", session.CommandLine(absl::StrCat(
                                                             "get ", job.name(), " --out DIR"))));
    }
    ShowPreview(session, job);
  }
  if (session.json()) {
    session.Result(ToJson(job));
  } else {
    session.Result(job.name());
    const std::string metrics = MetricsTable(job.metrics());
    if (!metrics.empty()) session.Result(metrics);
  }
  return ExitCodeOf(job);
}

}  // namespace

void AddOutOption(CLI::App* command, OutputOptions* options) {
  command
      ->add_option("--out", options->out,
                   "Write the images as 0000.png, 0001.png, ... and contact_sheet.png into this\n"
                   "folder; or, if the path ends with .png, the image or the contact sheet there.\n"
                   "The sheet of an inverse problem shows truth (where it is known), measurement\n"
                   "and result side by side; measurement.npy is written too. Several results of\n"
                   "each image also bring mean_XXXX.png, deviation_XXXX.png (white: 0.5 of the\n"
                   "range [-1, 1]), mean.npy and deviation.npy")
      ->type_name("DIR_OR_FILE")
      ->group("Output");
}

void AddFrameOptions(CLI::App* command, OutputOptions* options) {
  command
      ->add_option("--frames", options->frames,
                   "Write intermediate images as step_XXXX.png and an animation.png there")
      ->type_name("DIR")
      ->group("Output");
  command
      ->add_option("--frame-interval", options->frame_interval,
                   "Steps between frames; by default such that there are about 50")
      ->check(CLI::PositiveNumber)
      ->group("Output");
  command
      ->add_option("--frame-kind", options->frame_kind,
                   "The estimate of the clean images, or the noisy state")
      ->check(OneOf({"x0_hat", "x_t"}))
      ->capture_default_str()
      ->group("Output");
}

int FrameInterval(const OutputOptions& options, int num_steps) {
  if (options.frame_interval > 0) return options.frame_interval;
  return std::max(1, (num_steps + kFrames - 1) / kFrames);
}

v1::WatchJobRequest MakeWatchRequest(const OutputOptions& options, const v1::Job& job,
                                     const Display& display) {
  v1::WatchJobRequest request;
  request.set_name(job.name());
  if (!display.tells_each_step) {
    request.mutable_progress_interval()->set_nanos(
        static_cast<int32_t>(absl::ToInt64Nanoseconds(kRedrawInterval)));
  }
  if (options.frames.empty() && !display.shows_frames) return request;
  const v1::Frame::Kind written = FrameKind(options);
  request.set_frame_interval(FrameInterval(options, job.progress().num_steps()));
  if (!options.frames.empty()) request.add_frame_kinds(written);
  if (display.shows_frames && (options.frames.empty() || written != v1::Frame::X0_HAT)) {
    request.add_frame_kinds(v1::Frame::X0_HAT);
  }
  if (options.frames.empty()) request.set_max_frame_images(kMostShownImages);
  request.set_frame_format(v1::IMAGE_FORMAT_PNG);
  return request;
}

absl::StatusOr<int> CreateAndFollow(Session& session, const v1::CreateJobRequest& request,
                                    bool detach, const OutputOptions& options) {
  const absl::StatusOr<v1::Job> job = session.client().CreateJob(request);
  if (!job.ok() && session.interrupts().count() > 0) {
    session.Note("interrupted before the server answered; the job may exist: " +
                 session.CommandLine("list"));
    return kInterrupted;
  }
  RETURN_IF_ERROR(job.status());
  session.Detail(DescribeJob(*job));
  if (!detach) return FollowJob(session, *job, options);
  session.Result(session.json() ? ToJson(*job) : job->name());
  session.Note("to watch it: " + session.CommandLine("watch " + job->name()));
  return kOk;
}

absl::StatusOr<int> FollowJob(Session& session, const v1::Job& job, const OutputOptions& options) {
  ProgressView view(&session);
  LivePreview preview(&session);
  FrameWriter frames(options.frames);
  const auto on_event = [&](const v1::WatchJobResponse& event) {
    view.OnEvent(event, absl::Now());
    if (!event.has_frame()) return absl::OkStatus();
    preview.OnFrame(event.frame(), absl::Now());
    const bool is_written = !options.frames.empty() && event.frame().kind() == FrameKind(options);
    return is_written ? frames.Add(event.frame()) : absl::OkStatus();
  };
  const v1::WatchJobRequest request =
      MakeWatchRequest(options, job, {preview.is_wanted(), /*tells_each_step=*/session.json()});
  const absl::StatusOr<v1::Job> ended = session.client().WatchJob(request, on_event);
  preview.Close();
  view.Close();
  if (!options.frames.empty()) {
    ASSIGN_OR_RETURN(const std::string written, frames.Finish());
    session.Note(written);
  }
  if (ended.ok()) return Conclude(session, *ended, options);
  if (session.interrupts().count() > 0) return Detach(session, job.name());
  if (absl::IsUnavailable(ended.status())) {
    session.Note(absl::StrCat(job.name(), " was not followed to its end. To watch it again: ",
                              session.CommandLine(absl::StrCat("watch ", job.name()))));
  }
  return ended.status();
}

}  // namespace tweedie::cli
