#ifndef TWEEDIE_BENCH_CORES_H_
#define TWEEDIE_BENCH_CORES_H_

#include <sys/types.h>

namespace tweedie {

// Keeps the calling process, all threads that it makes from now on, and its children off
// the first core, as clients on other machines are. False if there is no other.
bool LeaveTheFirstCore();

// Puts the engine and the row workers of a `tweedied` on the first core, alone of it and
// its clients. False if it has no such threads.
bool GiveTheFirstCoreToTheEngine(pid_t tweedied);

}  // namespace tweedie

#endif  // TWEEDIE_BENCH_CORES_H_
