#include "core/metrics/psnr.h"

#include <cmath>
#include <cstddef>

#include "core/metrics/unit_range.h"

namespace tweedie {

double Psnr(absl::Span<const float> image, absl::Span<const float> reference) {
  double sum = 0;
  for (size_t i = 0; i < image.size(); ++i) {
    const double difference = ToUnitRange(image[i]) - ToUnitRange(reference[i]);
    sum += difference * difference;
  }
  return -10 * std::log10(sum / static_cast<double>(image.size()));
}

}  // namespace tweedie
