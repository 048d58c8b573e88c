#ifndef TWEEDIE_CORE_BASE_STATUS_MACROS_H_
#define TWEEDIE_CORE_BASE_STATUS_MACROS_H_

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

// Debian's Abseil has neither of these. They mean what Google's do.

// Returns the status of `expr` from the enclosing function if it is an error.
#define RETURN_IF_ERROR(expr)                                                                 \
  do {                                                                                        \
    if (absl::Status tweedie_status_ = (expr); !tweedie_status_.ok()) return tweedie_status_; \
  } while (false)

// Assigns the value of the StatusOr `expr` to `lhs`, or returns its status.
#define ASSIGN_OR_RETURN(lhs, expr) \
  TWEEDIE_ASSIGN_OR_RETURN_(TWEEDIE_CONCAT_(tweedie_status_or_, __LINE__), lhs, expr)

#define TWEEDIE_CONCAT_INNER_(a, b) a##b
#define TWEEDIE_CONCAT_(a, b) TWEEDIE_CONCAT_INNER_(a, b)
#define TWEEDIE_ASSIGN_OR_RETURN_(result, lhs, expr) \
  auto result = (expr);                              \
  if (!result.ok()) return result.status();          \
  lhs = std::move(result).value()

#endif  // TWEEDIE_CORE_BASE_STATUS_MACROS_H_
