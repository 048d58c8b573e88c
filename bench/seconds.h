#ifndef TWEEDIE_BENCH_SECONDS_H_
#define TWEEDIE_BENCH_SECONDS_H_

#include <chrono>

namespace tweedie {

inline double SecondsSince(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

}  // namespace tweedie

#endif  // TWEEDIE_BENCH_SECONDS_H_
