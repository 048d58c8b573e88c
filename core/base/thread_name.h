#ifndef TWEEDIE_CORE_BASE_THREAD_NAME_H_
#define TWEEDIE_CORE_BASE_THREAD_NAME_H_

namespace tweedie {

// Names the calling thread, for `top -H`, gdb and perf: at most 15 bytes, or it keeps
// the name that it has.
void NameThisThread(const char* name);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_BASE_THREAD_NAME_H_
