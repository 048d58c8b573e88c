#include "server/runner/tensor_memory.h"

#include <c10/core/CPUAllocator.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <c10/core/impl/alloc_cpu.h>
#include <malloc.h>

#include <atomic>
#include <cstring>
#include <exception>

namespace tweedie {
namespace {

// LibTorch frees by a plain function, which has no other way to the count.
std::atomic<int64_t>& Bytes() {
  static std::atomic<int64_t> bytes = 0;
  return bytes;
}

int64_t SizeOf(void* data) { return static_cast<int64_t>(malloc_usable_size(data)); }

void Delete(void* data) {
  Bytes() -= SizeOf(data);
  c10::free_cpu(data);
}

// LibTorch's own, with a count.
class CountingAllocator final : public c10::Allocator {
 public:
  c10::DataPtr allocate(size_t bytes) override {
    void* const data = c10::alloc_cpu(bytes);
    Bytes() += SizeOf(data);
    return {data, data, &Delete, c10::Device(c10::kCPU)};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &Delete; }
  void copy_data(void* to, const void* from, size_t bytes) const override {
    std::memcpy(to, from, bytes);
  }
};

}  // namespace

void CountTensorMemory() {
  // Lives as long as any tensor.
  c10::SetCPUAllocator(new CountingAllocator, /*priority=*/1);
}

int64_t TensorBytes() { return Bytes(); }

absl::StatusOr<int64_t> DeviceTensorBytes(at::Device device) {
  try {
    const auto stats = c10::getDeviceAllocator(device.type())->getDeviceStats(device.index());
    constexpr auto kAll = static_cast<size_t>(c10::CachingAllocator::StatType::AGGREGATE);
    return stats.allocated_bytes[kAll].current;
  } catch (const std::exception& error) {
    return absl::InternalError(error.what());
  }
}

}  // namespace tweedie
