#ifndef TWEEDIE_SERVER_WATCH_HUB_OBSERVER_H_
#define TWEEDIE_SERVER_WATCH_HUB_OBSERVER_H_

#include <string>
#include <utility>

#include "server/convert/images_proto.h"
#include "server/runner/job_observer.h"
#include "server/watch/event_hub.h"
#include "server/watch/frame_encoder.h"

namespace tweedie {

// Lets the runner publish into a hub: encodes frames, once for each form that
// watchers want. Thread-safe.
class HubObserver final : public JobObserver {
 public:
  // `hub` must outlive the observer.
  explicit HubObserver(EventHub* hub, ImageWriter writer = WriteImages)
      : hub_(hub), writer_(std::move(writer)) {}

  void OnJobChanged(const JobRecord& job) override { hub_->OnJobChanged(job); }
  void OnJobDeleted(const std::string& job_id) override { hub_->OnJobDeleted(job_id); }
  void OnJobLost(const JobRecord& job) override { hub_->OnJobLost(job.id, job.attempt); }
  bool WantsFrame(const std::string& job_id, int step, bool last) const override {
    return hub_->WantsFrame(job_id, step, last);
  }
  void OnStep(const StepReport& report) override;

 private:
  EventHub* const hub_;
  const ImageWriter writer_;
};

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_WATCH_HUB_OBSERVER_H_
