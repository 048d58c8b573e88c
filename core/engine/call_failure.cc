#include "core/engine/call_failure.h"

#include <c10/util/Exception.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <exception>
#include <new>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/methods/failure.h"

namespace tweedie {
namespace {

constexpr char kOutOfMemory[] = "OUT_OF_MEMORY";
constexpr char kDeviceLost[] = "DEVICE_LOST";

// c10/core/impl/alloc_cpu.cpp, cudaGetErrorString, cuBLAS and cuDNN.
constexpr std::array<absl::string_view, 4> kWordsOfMemory = {
    "can't allocate memory", "out of memory", "STATUS_ALLOC_FAILED", "ALLOCATION_FAILED"};

// What c10 puts before errors of the CUDA runtime, of cuBLAS and of the driver; and
// what cuDNN says when it meets one.
constexpr std::array<absl::string_view, 3> kWordsOfALostDevice = {"CUDA error", "CUDA driver error",
                                                                  "CUDNN_STATUS_EXECUTION_FAILED"};

template <size_t N>
bool ContainsAny(absl::string_view message, const std::array<absl::string_view, N>& words) {
  return std::any_of(words.begin(), words.end(),
                     [&](absl::string_view one) { return absl::StrContains(message, one); });
}

absl::Status OutOfMemory(absl::string_view what, absl::string_view detail) {
  return WithReason(
      absl::ResourceExhaustedError(absl::StrCat(what, " ran out of memory: ", detail)),
      kOutOfMemory);
}

absl::Status DeviceLost(absl::string_view what, absl::string_view detail) {
  return WithReason(absl::InternalError(absl::StrCat(what, " failed: ", detail)), kDeviceLost);
}

absl::Status Failed(absl::string_view what, absl::string_view detail) {
  if (ContainsAny(detail, kWordsOfMemory)) return OutOfMemory(what, detail);
  if (ContainsAny(detail, kWordsOfALostDevice)) return DeviceLost(what, detail);
  return absl::InternalError(absl::StrCat(what, " failed: ", detail));
}

// Of the CUDA runtime; some say that memory ran out, which is no loss.
absl::Status AcceleratorFailed(absl::string_view what, absl::string_view detail) {
  const absl::Status failed = Failed(what, detail);
  return IsOutOfMemory(failed) ? failed : DeviceLost(what, detail);
}

}  // namespace

absl::Status CaughtFailure(absl::string_view what) {
  try {
    throw;
  } catch (const std::bad_alloc& error) {
    return OutOfMemory(what, error.what());
  } catch (const c10::OutOfMemoryError& error) {
    return OutOfMemory(what, error.what_without_backtrace());
  } catch (const c10::AcceleratorError& error) {
    return AcceleratorFailed(what, error.what_without_backtrace());
  } catch (const c10::Error& error) {
    return Failed(what, error.what_without_backtrace());
  } catch (const std::exception& error) {
    return Failed(what, error.what());
  }
}

bool IsOutOfMemory(const absl::Status& status) { return ReasonOf(status) == kOutOfMemory; }

bool IsDeviceLost(const absl::Status& status) { return ReasonOf(status) == kDeviceLost; }

}  // namespace tweedie
