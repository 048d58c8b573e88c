#include "core/base/ids.h"

#include <random>

namespace tweedie {

uint64_t RandomBits() {
  std::random_device device;
  return (static_cast<uint64_t>(device()) << 32) | device();
}

std::string RandomId(size_t length) {
  constexpr char kCharacters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
  std::random_device device;
  std::uniform_int_distribution<int> letter(0, 25);
  std::uniform_int_distribution<int> any(0, 35);
  std::string id;
  for (size_t i = 0; i < length; ++i) {
    id.push_back(kCharacters[i == 0 ? letter(device) : any(device)]);
  }
  return id;
}

}  // namespace tweedie
