#include "server/watch/frame_encoder.h"

#include <ATen/ATen.h>

#include <array>
#include <utility>

namespace tweedie {

std::shared_ptr<const std::string> FrameEncoder::Encode(const FrameForm& form) {
  const at::Tensor& images = form.kind == v1::Frame::X_T ? report_.x_t : report_.x0_hat;
  if (!images.defined()) return nullptr;
  const std::array<int64_t, 3> image_shape = {images.size(1), images.size(2), images.size(3)};
  FrameForm exact = form;
  exact.max_images = FrameImages(image_shape, static_cast<int>(images.size(0)), form);
  if (exact.max_images == 0) return nullptr;
  const auto [made, added] = made_.try_emplace(exact);
  if (added) made->second = Make(exact, images.narrow(0, 0, exact.max_images));
  return made->second;
}

std::shared_ptr<const std::string> FrameEncoder::Make(const FrameForm& form,
                                                      const at::Tensor& images) const {
  v1::Frame frame;
  frame.set_step(report_.progress.step());
  frame.set_timestep(report_.progress.timestep());
  frame.set_kind(form.kind);
  *frame.mutable_images() = writer_(images, form.format);
  // FrameImages() counts with a bound; should files exceed it, they do not pass.
  auto* files = frame.mutable_images()->has_encoded()
                    ? frame.mutable_images()->mutable_encoded()->mutable_files()
                    : nullptr;
  while (static_cast<int64_t>(frame.ByteSizeLong()) > kMaxFrameBytes) {
    if (files == nullptr || files->size() <= 1) return nullptr;
    files->RemoveLast();
  }
  return std::make_shared<const std::string>(frame.SerializeAsString());
}

}  // namespace tweedie
