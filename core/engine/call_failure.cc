#include "core/engine/call_failure.h"

#include <c10/util/Exception.h>

#include <algorithm>
#include <array>
#include <exception>
#include <new>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/methods/failure.h"

namespace tweedie {
namespace {

constexpr char kOutOfMemory[] = "OUT_OF_MEMORY";
constexpr char kDeviceLost[] = "DEVICE_LOST";

// What c10 puts before the text of an error of the CUDA runtime.
constexpr char kCudaError[] = "CUDA error";

// c10/core/impl/alloc_cpu.cpp, cudaGetErrorString, cuBLAS and cuDNN.
constexpr std::array<absl::string_view, 3> kWordsOfMemory = {
    "can't allocate memory", "out of memory", "STATUS_ALLOC_FAILED"};

bool SpeaksOfMemory(absl::string_view message) {
  return std::any_of(kWordsOfMemory.begin(), kWordsOfMemory.end(),
                     [&](absl::string_view words) { return absl::StrContains(message, words); });
}

absl::Status OutOfMemory(absl::string_view what, absl::string_view detail) {
  return WithReason(
      absl::ResourceExhaustedError(absl::StrCat(what, " ran out of memory: ", detail)),
      kOutOfMemory);
}

absl::Status Failed(absl::string_view what, absl::string_view detail) {
  if (SpeaksOfMemory(detail)) return OutOfMemory(what, detail);
  const absl::Status failed = absl::InternalError(absl::StrCat(what, " failed: ", detail));
  return absl::StrContains(detail, kCudaError) ? WithReason(failed, kDeviceLost) : failed;
}

}  // namespace

absl::Status CaughtFailure(absl::string_view what) {
  try {
    throw;
  } catch (const std::bad_alloc& error) {
    return OutOfMemory(what, error.what());
  } catch (const c10::OutOfMemoryError& error) {
    return OutOfMemory(what, error.what_without_backtrace());
  } catch (const c10::Error& error) {
    return Failed(what, error.what_without_backtrace());
  } catch (const std::exception& error) {
    return Failed(what, error.what());
  }
}

bool IsOutOfMemory(const absl::Status& status) { return ReasonOf(status) == kOutOfMemory; }

bool IsDeviceLost(const absl::Status& status) { return ReasonOf(status) == kDeviceLost; }

}  // namespace tweedie
