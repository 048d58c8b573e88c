#ifndef TWEEDIE_IMAGING_ANIMATION_H_
#define TWEEDIE_IMAGING_ANIMATION_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace tweedie {

// One picture of an animation.
struct AnimationFrame {
  std::string png;     // a file by EncodePng()
  int delay_ms = 100;  // how long it is shown, 0 to 65535
};

// An animated PNG (https://wiki.mozilla.org/APNG_Specification) that repeats
// for ever; programs that know only PNG show its first frame. The frames' data
// are taken over as they are, so this costs no compression. INVALID_ARGUMENT if
// there are no frames, if their sizes or colours differ, or if one is no PNG.
absl::StatusOr<std::string> MakeAnimation(const std::vector<AnimationFrame>& frames);

}  // namespace tweedie

#endif  // TWEEDIE_IMAGING_ANIMATION_H_
