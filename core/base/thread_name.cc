#include "core/base/thread_name.h"

#include <pthread.h>

namespace tweedie {

void NameThisThread(const char* name) { pthread_setname_np(pthread_self(), name); }

}  // namespace tweedie
