#ifndef TWEEDIE_TESTS_TESTING_COUNTING_ALLOCATOR_H_
#define TWEEDIE_TESTS_TESTING_COUNTING_ALLOCATOR_H_

#include <c10/core/CPUAllocator.h>
#include <c10/core/impl/alloc_cpu.h>

#include <atomic>
#include <cstddef>
#include <cstring>

namespace tweedie {

// LibTorch's CPU memory with a count of what is in use: tensors, and what
// oneDNN asks LibTorch for (scratch memory, reordered weights). Thread-safe.
class CountingAllocator final : public c10::Allocator {
 public:
  // Makes one the allocator of this process, for good. Call it once.
  static CountingAllocator& Install() {
    auto* allocator = new CountingAllocator;  // lives as long as any tensor
    Counted() = allocator;
    c10::SetCPUAllocator(allocator, /*priority=*/1);
    return *allocator;
  }

  c10::DataPtr allocate(size_t bytes) override {
    char* block = static_cast<char*>(c10::alloc_cpu(bytes + kHeader));
    std::memcpy(block, &bytes, sizeof(bytes));
    Add(bytes);
    void* data = block + kHeader;
    return {data, data, &Delete, c10::Device(c10::kCPU)};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &Delete; }
  void copy_data(void* to, const void* from, size_t bytes) const override {
    std::memcpy(to, from, bytes);
  }

  // Bytes asked for and not given back.
  size_t in_use() const { return in_use_; }
  // The most that has been in use since the last call of ResetPeak().
  size_t peak() const { return peak_; }
  void ResetPeak() { peak_ = in_use_.load(); }

 private:
  static constexpr size_t kHeader = 64;  // keeps the alignment
  static CountingAllocator*& Counted() {
    static CountingAllocator* allocator = nullptr;
    return allocator;
  }
  static void Delete(void* data) {
    char* block = static_cast<char*>(data) - kHeader;
    size_t bytes = 0;
    std::memcpy(&bytes, block, sizeof(bytes));
    Counted()->in_use_ -= bytes;
    c10::free_cpu(block);
  }
  void Add(size_t bytes) {
    const size_t now = in_use_ += bytes;
    size_t peak = peak_;
    while (now > peak && !peak_.compare_exchange_weak(peak, now)) {
    }
  }

  std::atomic<size_t> in_use_ = 0;
  std::atomic<size_t> peak_ = 0;
};

}  // namespace tweedie

#endif  // TWEEDIE_TESTS_TESTING_COUNTING_ALLOCATOR_H_
