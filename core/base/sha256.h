#ifndef TWEEDIE_CORE_BASE_SHA256_H_
#define TWEEDIE_CORE_BASE_SHA256_H_

#include <memory>
#include <string>

#include "absl/strings/string_view.h"

namespace tweedie {

// SHA-256 of `bytes` in lower-case hexadecimal. Thread-safe.
std::string Sha256Hex(absl::string_view bytes);

// SHA-256 of bytes that come piece by piece. Movable; not thread-safe.
class Sha256 {
 public:
  Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  ~Sha256();

  void Add(absl::string_view bytes);
  // Of all that was added, in lower-case hexadecimal. More may be added after.
  std::string Hex() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tweedie

#endif  // TWEEDIE_CORE_BASE_SHA256_H_
