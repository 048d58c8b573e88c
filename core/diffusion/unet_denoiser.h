#ifndef TWEEDIE_CORE_DIFFUSION_UNET_DENOISER_H_
#define TWEEDIE_CORE_DIFFUSION_UNET_DENOISER_H_

#include <ATen/core/Tensor.h>

#include <memory>

#include "core/diffusion/denoiser.h"
#include "core/diffusion/precision.h"

namespace tweedie {

namespace nn {
class Network;
}

// Fast mode: all rows in one call of the network, with as many threads as
// LibTorch likes. The last bits of a row depend on how many rows are beside it.
// Not thread-safe.
class UnetDenoiser final : public Denoiser {
 public:
  // Moves `network` to `device`, and its weights to the type of `precision`, for every
  // holder of it. Whether kernels may take TF32 is a setting of the process. Throws
  // c10::Error if the device is not there or lacks memory.
  UnetDenoiser(std::shared_ptr<nn::Network> network, at::Device device,
               Precision precision = Precision::kFloat32);

  // Inputs may be on any device; the result, float32, is where `input.x` is. Keeps no
  // graph.
  at::Tensor Predict(const DenoiserInput& input) override;
  // The loss is called once, for all rows, on the device of `input.x`.
  Differentiated PredictWithGradient(const DenoiserInput& input, const RowLoss& loss) override;

 private:
  // The network's output for x, on this device, float32, channels-last.
  at::Tensor Evaluate(const DenoiserInput& input, const at::Tensor& x) const;

  const std::shared_ptr<nn::Network> network_;
  const at::Device device_;
  const at::ScalarType type_;  // of weights and features
};

}  // namespace tweedie

#endif  // TWEEDIE_CORE_DIFFUSION_UNET_DENOISER_H_
