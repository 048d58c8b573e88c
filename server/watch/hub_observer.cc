#include "server/watch/hub_observer.h"

namespace tweedie {

void HubObserver::OnStep(const StepReport& report) {
  FrameEncoder encoder(report, writer_);
  hub_->OnStep({report.job_id, report.sequence, report.last, report.progress},
               [&](const FrameForm& form) { return encoder.Encode(form); });
}

}  // namespace tweedie
