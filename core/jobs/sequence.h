#ifndef TWEEDIE_CORE_JOBS_SEQUENCE_H_
#define TWEEDIE_CORE_JOBS_SEQUENCE_H_

#include <cstdint>

namespace tweedie {

// A runner numbers the events of an attempt from `attempt << 32`, and stays below
// this: the numbers from here on are kept for after its death (docs/adr/0011).
constexpr int64_t EndOfAttempt(int attempt) { return (int64_t{attempt} << 32) | 0x80000000; }

}  // namespace tweedie

#endif  // TWEEDIE_CORE_JOBS_SEQUENCE_H_
