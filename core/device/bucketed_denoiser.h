#ifndef TWEEDIE_CORE_DEVICE_BUCKETED_DENOISER_H_
#define TWEEDIE_CORE_DEVICE_BUCKETED_DENOISER_H_

#include <ATen/core/Tensor.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "core/device/step_device.h"
#include "core/diffusion/denoiser.h"

namespace tweedie {

// 1, 2, 4, ... 64 below `max_rows`, and the smaller of `max_rows` (at least 1) and 64;
// ascending.
std::vector<int64_t> BucketSizes(int64_t max_rows);

// Calls of a few fixed sizes, the buckets, each recorded once with memory of its own. A
// call of other sizes is filled up to a bucket with copies of its last row, or, beyond
// the largest, made in pieces; no row depends on what is beside it, but for the rounding
// of kernels that differ by the size. Calls for gradients are made as they are, and not
// recorded. Not thread-safe; models that share a device may be used by several threads.
class BucketedDenoiser final : public Denoiser {
 public:
  struct Options {
    std::array<int64_t, 3> image_shape;  // channels, height, width
    int64_t out_channels = 0;            // of the network's output
    bool has_classes = false;
    // Grows by each copy of a row that fills a call up; may be null.
    std::shared_ptr<std::atomic<int64_t>> padding_rows;
  };
  // `network` lies on the device, does not wait for it in Predict() of inputs that lie
  // there, and returns its output there. Its PredictWithGradient() takes inputs of the
  // host.
  BucketedDenoiser(std::unique_ptr<Denoiser> network, std::shared_ptr<StepDevice> device,
                   const Options& options);
  ~BucketedDenoiser() override;

  // Records calls of `rows` rows, once for each size. The largest should be the first:
  // the others then share its memory. Throws what the network and the device throw,
  // c10::OutOfMemoryError too; the bucket is then not there.
  void AddBucket(int64_t rows);
  // Ascending.
  std::vector<int64_t> buckets() const;

  // Inputs and result are on the host. There is a bucket. If a call throws, the next
  // may succeed.
  at::Tensor Predict(const DenoiserInput& input) override;
  Differentiated PredictWithGradient(const DenoiserInput& input, const RowLoss& loss) override;

 private:
  struct Bucket;

  void Check(const DenoiserInput& input) const;
  std::unique_ptr<Bucket> MakeBuffers(int64_t rows) const;
  // The smallest for so many rows, or the largest of all.
  Bucket& BucketFor(int64_t rows) const;
  // Evaluates rows [first, first + count), which leaves their output with the bucket.
  void RunRows(Bucket& bucket, const DenoiserInput& input, int64_t first, int64_t count);

  const Options options_;
  const std::shared_ptr<StepDevice> device_;
  const std::unique_ptr<Denoiser> network_;
  std::map<int64_t, std::unique_ptr<Bucket>> buckets_;  // by their rows
};

}  // namespace tweedie

#endif  // TWEEDIE_CORE_DEVICE_BUCKETED_DENOISER_H_
