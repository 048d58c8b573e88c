#include "server/rpc/stream_sources.h"

#include <deque>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/field_error.h"
#include "core/base/status_macros.h"
#include "core/jobs/job_id.h"
#include "server/convert/job_proto.h"
#include "server/rpc/background.h"
#include "server/rpc/job_calls.h"
#include "server/rpc/job_reading.h"
#include "server/rpc/request_message.h"
#include "server/rpc/resource_names.h"
#include "server/rpc/response_size.h"
#include "server/rpc/timestamps.h"
#include "server/rpc/watch_message.h"

namespace tweedie {
namespace {

absl::Status CheckFormat(absl::string_view field, int format) {
  if (v1::ImageFormat_IsValid(format)) return absl::OkStatus();
  return FieldError(field, absl::StrCat("has an unknown value ", format));
}

absl::Status CheckNotNegative(absl::string_view field, int64_t value) {
  if (value >= 0) return absl::OkStatus();
  return FieldError(field, absl::StrCat("must not be negative; was ", value));
}

absl::StatusOr<absl::Duration> ReadInterval(const v1::WatchJobRequest& request) {
  constexpr int kNanosOfASecond = 1000000000;
  const auto& given = request.progress_interval();
  RETURN_IF_ERROR(CheckNotNegative("progress_interval.seconds", given.seconds()));
  RETURN_IF_ERROR(CheckNotNegative("progress_interval.nanos", given.nanos()));
  if (given.nanos() < kNanosOfASecond) {
    return absl::Seconds(given.seconds()) + absl::Nanoseconds(given.nanos());
  }
  return FieldError("progress_interval.nanos",
                    absl::StrCat("must be less than a second; was ", given.nanos()));
}

absl::StatusOr<WatchOptions> ReadOptions(const v1::WatchJobRequest& request) {
  RETURN_IF_ERROR(CheckNotNegative("after_sequence", request.after_sequence()));
  RETURN_IF_ERROR(CheckNotNegative("frame_interval", request.frame_interval()));
  RETURN_IF_ERROR(CheckNotNegative("max_frame_images", request.max_frame_images()));
  RETURN_IF_ERROR(CheckFormat("frame_format", request.frame_format()));
  std::set<v1::Frame::Kind> kinds;
  for (const int kind : request.frame_kinds()) {
    if (!v1::Frame::Kind_IsValid(kind)) {
      return FieldError("frame_kinds", absl::StrCat("has an unknown value ", kind));
    }
    kinds.insert(kind == v1::Frame::X_T ? v1::Frame::X_T : v1::Frame::X0_HAT);
  }
  if (kinds.empty()) kinds.insert(v1::Frame::X0_HAT);
  v1::ImageFormat format = request.frame_format();
  if (format == v1::IMAGE_FORMAT_UNSPECIFIED) format = v1::IMAGE_FORMAT_TENSOR_FLOAT32;
  WatchOptions options;
  ASSIGN_OR_RETURN(options.progress_interval, ReadInterval(request));
  options.frame_interval = request.frame_interval();
  if (options.frame_interval == 0) return options;
  for (const v1::Frame::Kind kind : kinds) {
    options.frames.push_back({kind, format, request.max_frame_images()});
  }
  return options;
}

// An address may lead to another server than the one that gave it: one that listens
// on the loopback of its own machine, say.
absl::Status CheckRelay(const std::optional<std::string>& relay_to, const std::string& server) {
  if (!relay_to.has_value() || *relay_to == server) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("this is the server ", server, ", not ", *relay_to, " (--advertise)"));
}

// Refuses a format in which not even one image fits into a frame.
absl::Status CheckFramesFit(const WatchOptions& options, const JobRecord& job,
                            const ModelRepository& models) {
  const ModelRepository::Entry entry = models.Find(job.model);
  if (options.frames.empty() || entry == nullptr || entry->model == nullptr) {
    return absl::OkStatus();
  }
  const FrameForm& form = options.frames.front();
  const auto& image_shape = entry->model->diffusion->image_shape;
  if (FrameImages(image_shape, 1, form) > 0) return absl::OkStatus();
  return FieldError("frame_format",
                    absl::StrCat("must be one in which an image fits into a frame of ",
                                 kMaxFrameBytes, " bytes; in ", v1::ImageFormat_Name(form.format),
                                 " one takes ", FrameImageBytes(image_shape, form.format)));
}

// Whether the id has become that of a job that the caller may not see.
bool IsOfAnother(const WatchEvent& event, const Identity& caller) {
  const auto* job = std::get_if<std::shared_ptr<const v1::Job>>(&event.what);
  return job != nullptr && !MaySee(caller, (*job)->creator());
}

template <typename Response>
absl::StatusOr<ByteStream::Item> ItemOf(const Response& response, bool last) {
  ASSIGN_OR_RETURN(grpc::ByteBuffer bytes, WriteResponse(response));
  return ByteStream::Item{std::move(bytes), last};
}

// A listing, page by page, before the changes.
class JobsSource {
 public:
  JobsSource(std::shared_ptr<JobsFeed> feed, EventHub* hub, std::deque<JobRecord> listed)
      : feed_(std::move(feed)), hub_(hub), listed_(std::move(listed)) {}

  absl::StatusOr<std::optional<ByteStream::Item>> Next(std::function<void()> on_ready) {
    v1::WatchJobsResponse response;
    while (!listed_.empty()) {
      const auto record = std::make_shared<const JobRecord>(std::move(listed_.front()));
      listed_.pop_front();
      v1::Job report = hub_->Report(*record);
      const auto found = feed_->List(record, ProgressOf(report));
      if (!found.has_value()) continue;
      *response.mutable_job() = found->job == record ? std::move(report) : JobOf(*found);
      return ItemOf(response, false);
    }
    if (!std::exchange(complete_, true)) {
      feed_->EndListing();
      response.set_listing_complete(true);
      return ItemOf(response, false);
    }
    const std::optional<FeedEvent> event = feed_->Next(std::move(on_ready));
    if (!event.has_value()) return std::nullopt;
    return ItemOf(ToResponse(*event), false);
  }

 private:
  static std::shared_ptr<const v1::Progress> ProgressOf(const v1::Job& job) {
    if (job.state() != v1::Job::RUNNING) return nullptr;
    return std::make_shared<const v1::Progress>(job.progress());
  }
  v1::WatchJobsResponse ToResponse(const FeedEvent& event) const {
    v1::WatchJobsResponse response;
    SetTime(event.time, *response.mutable_event_time());
    response.set_deleted(event.deleted);
    if (event.deleted) {
      response.mutable_job()->set_name(absl::StrCat("jobs/", event.job_id));
      return response;
    }
    *response.mutable_job() = JobOf(event);
    return response;
  }
  static v1::Job JobOf(const FeedEvent& event) {
    v1::Job job = ToProto(*event.job);
    if (event.progress != nullptr) *job.mutable_progress() = *event.progress;
    return job;
  }

  const std::shared_ptr<JobsFeed> feed_;
  EventHub* const hub_;
  std::deque<JobRecord> listed_;
  bool complete_ = false;
};

absl::StatusOr<std::deque<JobRecord>> ListAll(JobStore& store, const JobQuery& query) {
  constexpr int kPage = 1000;
  std::deque<JobRecord> all;
  std::optional<PageCursor> after;
  do {
    ASSIGN_OR_RETURN(JobPage page, store.List(query, kPage, after));
    for (JobRecord& job : page.jobs) all.push_back(std::move(job));
    after = page.next;
  } while (after.has_value());
  return all;
}

// What a message holds besides its image.
constexpr int64_t kImageOverhead = 1024;

// A tensor's size is known before it is made; that of a PNG file is not.
absl::Status CheckImageFits(const ResultReader& reader, v1::ImageFormat format,
                            int64_t max_response_bytes) {
  if (format == v1::IMAGE_FORMAT_PNG) return absl::OkStatus();
  const int64_t bytes = FrameImageBytes(reader.image_shape(), format);
  if (bytes <= max_response_bytes - kImageOverhead) return absl::OkStatus();
  return FieldError("format",
                    absl::StrCat("must be one in which an image fits into a response of ",
                                 max_response_bytes, " bytes; in this one it takes ", bytes));
}

// One image a message.
class ImagesSource {
 public:
  ImagesSource(InBudget<ResultReader> reader, int first, v1::ImageFormat format)
      : reader_(std::move(reader)), next_(first), format_(format) {}

  absl::StatusOr<ByteStream::Item> Next() {
    if (next_ >= reader_.value.num_images()) return ByteStream::Item{std::nullopt, true};
    v1::ReadJobImagesResponse response;
    response.set_index(next_);
    ASSIGN_OR_RETURN(*response.mutable_images(), reader_.value.Image(next_, format_));
    ++next_;
    return ItemOf(response, next_ >= reader_.value.num_images());
  }

 private:
  const InBudget<ResultReader> reader_;
  int next_;
  const v1::ImageFormat format_;
};

// One measurement a message.
class MeasurementSource {
 public:
  explicit MeasurementSource(InBudget<MeasurementReader> reader) : reader_(std::move(reader)) {}

  absl::StatusOr<ByteStream::Item> Next() {
    ASSIGN_OR_RETURN(v1::ReadJobMeasurementResponse part, reader_.value.Part(next_));
    ++next_;
    return ItemOf(part, next_ >= reader_.value.size());
  }

 private:
  const InBudget<MeasurementReader> reader_;
  int next_ = 0;
};

// `source`, no message of which is larger than the server sends.
ByteStream::Source Checked(ByteStream::Source source, const ServiceParts& parts) {
  return WithSizesChecked<ByteStream>(std::move(source), parts.call_limits.max_response_bytes);
}

}  // namespace

absl::StatusOr<ByteStream::Source> OpenWatchJob(const v1::WatchJobRequest& request,
                                                const std::optional<std::string>& relay_to,
                                                const Identity& caller, const ServiceParts& parts) {
  ASSIGN_OR_RETURN(const std::string id, ParseJobName(request.name()));
  ASSIGN_OR_RETURN(WatchOptions options, ReadOptions(request));
  RETURN_IF_ERROR(CheckRelay(relay_to, parts.info.server()));
  options.is_relay = relay_to.has_value();
  // Subscribed first and read after, so that no event falls between.
  std::shared_ptr<Subscription> subscription = parts.hub->Watch(id, options);
  ASSIGN_OR_RETURN(const JobRecord record, GetVisible(*parts.store, id, caller));
  RETURN_IF_ERROR(CheckFramesFit(options, record, parts.pool->models()));
  int64_t position = 0;
  if (record.state == JobState::kQueued) {
    ASSIGN_OR_RETURN(position, parts.store->QueuePosition(id));
  }
  RETURN_IF_ERROR(parts.hub->Begin(*subscription, record, position, request.after_sequence()));
  if (parts.on_watch && !options.is_relay) parts.on_watch(id);
  return Checked(
      [subscription, id,
       caller](std::function<void()> on_ready) -> absl::StatusOr<std::optional<ByteStream::Item>> {
        ASSIGN_OR_RETURN(const std::optional<WatchEvent> event,
                         subscription->Next(std::move(on_ready)));
        if (!event.has_value()) return std::nullopt;
        if (IsOfAnother(*event, caller)) return NoSuchJob(id);
        return ByteStream::Item{WatchMessage(*event), event->last};
      },
      parts);
}

absl::StatusOr<ByteStream::Source> OpenWatchJobs(const v1::WatchJobsRequest& request,
                                                 const Identity& caller,
                                                 const ServiceParts& parts) {
  FeedOptions options;
  ASSIGN_OR_RETURN(options.query, ToQuery(request.filter(), caller));
  options.include_progress = request.include_progress();
  const JobQuery query = options.query;
  std::shared_ptr<JobsFeed> feed = parts.hub->WatchAll(std::move(options));
  ASSIGN_OR_RETURN(std::deque<JobRecord> listed, ListAll(*parts.store, query));
  std::vector<std::string> ids;
  for (const JobRecord& job : listed) ids.push_back(job.id);
  feed->Expect(std::move(ids));
  auto source = std::make_shared<JobsSource>(std::move(feed), parts.hub, std::move(listed));
  return Checked(
      [source](std::function<void()> on_ready) { return source->Next(std::move(on_ready)); },
      parts);
}

absl::StatusOr<ByteStream::Source> OpenReadImages(const v1::ReadJobImagesRequest& request,
                                                  const Identity& caller, const ServiceParts& parts,
                                                  const Reading& reading) {
  RETURN_IF_ERROR(CheckNotNegative("start_index", request.start_index()));
  RETURN_IF_ERROR(CheckFormat("format", request.format()));
  ASSIGN_OR_RETURN(InBudget<std::string> bytes,
                   ReadResult(request.name(), caller, parts, *reading.memory));
  ASSIGN_OR_RETURN(ResultReader reader, ResultReader::Open(std::move(bytes.value)));
  if (request.start_index() > reader.num_images()) {
    return absl::OutOfRangeError(absl::StrCat("start_index ", request.start_index(),
                                              " is beyond the job's ", reader.num_images(),
                                              " images"));
  }
  RETURN_IF_ERROR(CheckImageFits(reader, request.format(), parts.call_limits.max_response_bytes));
  auto source =
      std::make_shared<ImagesSource>(InBudget<ResultReader>{std::move(reader), bytes.place},
                                     request.start_index(), request.format());
  auto images = std::make_shared<Background<ByteStream::Item>>(reading.executor,
                                                               [source] { return source->Next(); });
  return Checked(
      [images](std::function<void()> on_ready) { return images->Take(std::move(on_ready)); },
      parts);
}

absl::StatusOr<ByteStream::Source> OpenReadMeasurement(const v1::ReadJobMeasurementRequest& request,
                                                       const Identity& caller,
                                                       const ServiceParts& parts,
                                                       const Reading& reading) {
  ASSIGN_OR_RETURN(InBudget<MeasurementReader> reader,
                   ReadMeasurement(request.name(), caller, parts, *reading.memory));
  auto source = std::make_shared<MeasurementSource>(std::move(reader));
  auto items = std::make_shared<Background<ByteStream::Item>>(reading.executor,
                                                              [source] { return source->Next(); });
  return Checked(
      [items](std::function<void()> on_ready) { return items->Take(std::move(on_ready)); }, parts);
}

}  // namespace tweedie
