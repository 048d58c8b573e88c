#ifndef TWEEDIE_BENCH_FAIL_H_
#define TWEEDIE_BENCH_FAIL_H_

#include <cerrno>
#include <cstdlib>
#include <iostream>

#include "absl/strings/string_view.h"

namespace tweedie {

// Ends a measurement that would mean nothing.
[[noreturn]] inline void Fail(absl::string_view why) {
  std::cerr << program_invocation_short_name << ": " << why << std::endl;
  std::exit(1);
}

}  // namespace tweedie

#endif  // TWEEDIE_BENCH_FAIL_H_
