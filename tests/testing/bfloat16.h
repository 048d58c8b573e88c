#ifndef TWEEDIE_TESTS_TESTING_BFLOAT16_H_
#define TWEEDIE_TESTS_TESTING_BFLOAT16_H_

#include <gtest/gtest.h>

#include "core/plan/ops/bfloat16_cpu.h"

// Ends a test, or a SetUp(), that needs a CPU with bfloat16, and says so.
#define SKIP_WITHOUT_BFLOAT16()                                       \
  if (const absl::Status cpu = plan::CheckBfloat16Cpu(); !cpu.ok()) { \
    GTEST_SKIP() << cpu.message();                                    \
  }                                                                   \
  static_assert(true)

#endif  // TWEEDIE_TESTS_TESTING_BFLOAT16_H_
