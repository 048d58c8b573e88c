#ifndef TWEEDIE_SERVER_VERSION_H_
#define TWEEDIE_SERVER_VERSION_H_

namespace tweedie {

// The project's version, from CMake.
inline constexpr char kVersion[] = TWEEDIE_VERSION;

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_VERSION_H_
