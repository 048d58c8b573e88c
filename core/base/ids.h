#ifndef TWEEDIE_CORE_BASE_IDS_H_
#define TWEEDIE_CORE_BASE_IDS_H_

#include <cstddef>
#include <cstdint>
#include <string>

namespace tweedie {

// 64 bits from the system's secure generator. Thread-safe.
uint64_t RandomBits();

// `length` random characters of [a-z0-9], the first a letter. Thread-safe.
std::string RandomId(size_t length);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_BASE_IDS_H_
