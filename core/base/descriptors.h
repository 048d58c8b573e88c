#ifndef TWEEDIE_CORE_BASE_DESCRIPTORS_H_
#define TWEEDIE_CORE_BASE_DESCRIPTORS_H_

#include "absl/status/status.h"

namespace tweedie {

// How many descriptors the process may have; 0 if the system does not say.
int DescriptorLimit();

// Lets the process have as many descriptors as it may, 65,536 at most: each client is a
// connection, and shells start programs with 1,024 (select(2), which can have no more, is
// not used). FAILED_PRECONDITION if the system refuses.
absl::Status RaiseDescriptorLimit();

}  // namespace tweedie

#endif  // TWEEDIE_CORE_BASE_DESCRIPTORS_H_
