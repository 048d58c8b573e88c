#include "core/device/bucketed_denoiser.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <utility>

namespace tweedie {
namespace {

constexpr int64_t kLargestBucket = 64;

// Of a bucket: the rows given, then copies of the last.
void Fill(const at::Tensor& bucket, const at::Tensor& given, int64_t first, int64_t count) {
  bucket.narrow(0, 0, count).copy_(given.narrow(0, first, count));
  const int64_t rest = bucket.size(0) - count;
  if (rest == 0) return;
  const at::Tensor last = given.narrow(0, first + count - 1, 1);
  bucket.narrow(0, count, rest).copy_(last.expand_as(bucket.narrow(0, count, rest)));
}

void CopyAcross(const DenoiserInput& from, const DenoiserInput& to) {
  to.x.copy_(from.x, /*non_blocking=*/true);
  to.t.copy_(from.t, /*non_blocking=*/true);
  if (to.class_labels.defined()) to.class_labels.copy_(from.class_labels, /*non_blocking=*/true);
}

}  // namespace

std::vector<int64_t> BucketSizes(int64_t max_rows) {
  const int64_t largest = std::min(max_rows, kLargestBucket);
  std::vector<int64_t> sizes;
  for (int64_t rows = 1; rows < largest; rows *= 2) sizes.push_back(rows);
  sizes.push_back(largest);
  return sizes;
}

struct BucketedDenoiser::Bucket {
  int64_t rows = 0;
  DenoiserInput host, device;      // x [rows, C, H, W], t [rows], labels [rows] or undefined
  at::Tensor host_output, output;  // [rows, C', H, W]
  std::unique_ptr<StepGraph> graph;
};

BucketedDenoiser::BucketedDenoiser(std::unique_ptr<Denoiser> network,
                                   std::shared_ptr<StepDevice> device, const Options& options)
    : options_(options), device_(std::move(device)), network_(std::move(network)) {}

BucketedDenoiser::~BucketedDenoiser() = default;

std::unique_ptr<BucketedDenoiser::Bucket> BucketedDenoiser::MakeBuffers(int64_t rows) const {
  const auto [channels, height, width] = options_.image_shape;
  const std::array<int64_t, 4> images = {rows, channels, height, width};
  const std::array<int64_t, 4> outputs = {rows, options_.out_channels, height, width};
  const std::array<int64_t, 1> numbers = {rows};
  auto bucket = std::make_unique<Bucket>();
  bucket->rows = rows;
  bucket->host.x = device_->HostBuffer(images, at::kFloat);
  bucket->host.t = device_->HostBuffer(numbers, at::kLong);
  bucket->host_output = device_->HostBuffer(outputs, at::kFloat);
  const auto on_device = at::TensorOptions(device_->device());
  bucket->device.x = at::zeros(images, on_device.dtype(at::kFloat));
  bucket->device.t = at::zeros(numbers, on_device.dtype(at::kLong));
  bucket->output = at::zeros(outputs, on_device.dtype(at::kFloat));
  if (options_.has_classes) {
    bucket->host.class_labels = device_->HostBuffer(numbers, at::kLong);
    bucket->device.class_labels = at::zeros(numbers, on_device.dtype(at::kLong));
  }
  return bucket;
}

void BucketedDenoiser::AddBucket(int64_t rows) {
  TORCH_CHECK(rows >= 1 && buckets_.count(rows) == 0, "a bucket of ", rows, " rows");
  const at::NoGradGuard no_grad;
  std::unique_ptr<Bucket> bucket;
  device_->Run([&] { bucket = MakeBuffers(rows); });
  bucket->graph = device_->Capture([network = network_.get(), bucket = bucket.get()] {
    bucket->output.copy_(network->Predict(bucket->device));
  });
  buckets_[rows] = std::move(bucket);
}

std::vector<int64_t> BucketedDenoiser::buckets() const {
  std::vector<int64_t> rows;
  for (const auto& [its_rows, bucket] : buckets_) rows.push_back(its_rows);
  return rows;
}

BucketedDenoiser::Bucket& BucketedDenoiser::BucketFor(int64_t rows) const {
  TORCH_CHECK(!buckets_.empty(), "there is no bucket");
  const auto bucket = buckets_.lower_bound(rows);
  return bucket == buckets_.end() ? *buckets_.rbegin()->second : *bucket->second;
}

void BucketedDenoiser::Check(const DenoiserInput& input) const {
  const auto [channels, height, width] = options_.image_shape;
  const at::Tensor& x = input.x;
  TORCH_CHECK(x.dim() == 4 && x.device().is_cpu() && x.scalar_type() == at::kFloat &&
                  x.size(1) == channels && x.size(2) == height && x.size(3) == width &&
                  input.t.dim() == 1 && input.t.size(0) == x.size(0),
              "the buckets are for float32 images ", channels, " x ", height, " x ", width,
              " on the host; x is ", x.sizes(), ", t is ", input.t.sizes());
  TORCH_CHECK(input.class_labels.defined() == options_.has_classes,
              "class_labels must be given exactly if the network is class-conditional");
}

void BucketedDenoiser::RunRows(Bucket& bucket, const DenoiserInput& input, int64_t first,
                               int64_t count) {
  if (options_.padding_rows != nullptr) *options_.padding_rows += bucket.rows - count;
  device_->Run([&] {
    Fill(bucket.host.x, input.x, first, count);
    Fill(bucket.host.t, input.t, first, count);
    if (options_.has_classes) Fill(bucket.host.class_labels, input.class_labels, first, count);
    CopyAcross(bucket.host, bucket.device);
    bucket.graph->Launch();
    bucket.host_output.copy_(bucket.output, /*non_blocking=*/true);
  });
}

at::Tensor BucketedDenoiser::Predict(const DenoiserInput& input) {
  Check(input);
  const at::NoGradGuard no_grad;
  const auto [channels, height, width] = options_.image_shape;
  const int64_t rows = input.x.size(0);
  const at::Tensor output = at::empty({rows, options_.out_channels, height, width}, at::kFloat);
  for (int64_t first = 0; first < rows;) {
    Bucket& bucket = BucketFor(rows - first);
    const int64_t count = std::min(bucket.rows, rows - first);
    RunRows(bucket, input, first, count);
    output.narrow(0, first, count).copy_(bucket.host_output.narrow(0, 0, count));
    first += count;
  }
  return output;
}

Differentiated BucketedDenoiser::PredictWithGradient(const DenoiserInput& input,
                                                     const RowLoss& loss) {
  Differentiated result;
  device_->Run([&] { result = network_->PredictWithGradient(input, loss); });
  return result;
}

}  // namespace tweedie
