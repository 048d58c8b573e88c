#ifndef TWEEDIE_SERVER_WATCH_FRAME_ENCODER_H_
#define TWEEDIE_SERVER_WATCH_FRAME_ENCODER_H_

#include <ATen/core/Tensor.h>

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "server/runner/job_observer.h"
#include "server/watch/frame_form.h"
#include "tweedie/v1/tensor.pb.h"

namespace tweedie {

// Writes images as WriteImages() does.
using ImageWriter = std::function<v1::Images(const at::Tensor&, v1::ImageFormat)>;

// The frames of one step, each form made once. Not thread-safe. `report` and
// `writer` must outlive it.
class FrameEncoder {
 public:
  FrameEncoder(const StepReport& report, const ImageWriter& writer)
      : report_(report), writer_(writer) {}

  // A serialised `Frame` of at most kMaxFrameBytes; fewer images than asked for
  // where more would not fit. Null if the report does not carry the tensor, or
  // if not even one image fits.
  std::shared_ptr<const std::string> Encode(const FrameForm& form);

 private:
  std::shared_ptr<const std::string> Make(const FrameForm& form, const at::Tensor& images) const;

  const StepReport& report_;
  const ImageWriter& writer_;
  std::map<FrameForm, std::shared_ptr<const std::string>> made_;  // by images they hold
};

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_WATCH_FRAME_ENCODER_H_
