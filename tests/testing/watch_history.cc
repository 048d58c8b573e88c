#include "tests/testing/watch_history.h"

#include <functional>

#include "tests/testing/test_client.h"

namespace tweedie {
namespace {

WatchedEvent::Images ToImages(const v1::Frame& frame) {
  WatchedEvent::Images images;
  images.kind = frame.kind();
  const v1::Tensor& tensor = frame.images().tensor();
  if (frame.images().has_encoded()) {
    images.format = v1::IMAGE_FORMAT_PNG;
    images.count = frame.images().encoded().files_size();
  } else if (tensor.shape_size() > 0) {
    images.format = tensor.data_type() == v1::Tensor::UINT8 ? v1::IMAGE_FORMAT_TENSOR_UINT8
                                                            : v1::IMAGE_FORMAT_TENSOR_FLOAT32;
    images.count = static_cast<int>(tensor.shape(0));
  }
  images.digest = std::hash<std::string>()(frame.SerializeAsString());
  return images;
}

}  // namespace

WatchedEvent ToWatchedEvent(const v1::WatchJobResponse& response) {
  WatchedEvent event;
  event.sequence = response.sequence();
  event.has_time = response.event_time().seconds() > 0;
  event.skipped = response.skipped_events();
  if (response.has_job()) {
    event.kind = WatchedEvent::Kind::kJob;
    event.job_name = response.job().name();
    event.state = response.job().state();
    event.attempt = response.job().attempt();
    event.step = response.job().progress().step();
    event.num_steps = response.job().progress().num_steps();
  } else if (response.has_progress()) {
    event.kind = WatchedEvent::Kind::kProgress;
    event.step = response.progress().step();
    event.num_steps = response.progress().num_steps();
  } else if (response.has_frame()) {
    event.kind = WatchedEvent::Kind::kFrame;
    event.step = response.frame().step();
    event.images = ToImages(response.frame());
  }
  return event;
}

void WatchHistory::Open(const v1::WatchJobRequest& request) {
  streams_.push_back({request, {}, std::nullopt, false, 0});
}

void WatchHistory::Receive(const v1::WatchJobResponse& response) {
  WatchedStream& stream = streams_.back();
  if (stream.end.has_value()) {
    ++stream.events_after_end;
    return;
  }
  stream.events.push_back(ToWatchedEvent(response));
  last_sequence_ = response.sequence();
  ended_ = ended_ || (response.has_job() && HasEnded(response.job().state()));
}

}  // namespace tweedie
