#include "client/cli/job_text.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "client/cli/text.h"

namespace tweedie::cli {
namespace {

using Rows = std::vector<std::vector<std::string>>;

// What MetricsTable() shows.
struct Metric {
  const char* title;
  const char* format;
  std::function<std::optional<double>(const v1::ImageMetrics&)> get;
};

#define TWEEDIE_METRIC(field)                                         \
  [](const v1::ImageMetrics& m) -> std::optional<double> {            \
    return m.has_##field() ? std::optional(m.field()) : std::nullopt; \
  }

std::vector<Metric> Metrics() {
  return {{"PSNR/dB", "%.2f", TWEEDIE_METRIC(psnr)},
          {"SSIM", "%.4f", TWEEDIE_METRIC(ssim)},
          {"LPIPS", "%.4f", TWEEDIE_METRIC(lpips)},
          {"RESIDUAL", "%.4g", TWEEDIE_METRIC(residual)}};
}
#undef TWEEDIE_METRIC

// Appends the metric's column: title, one cell an image, mean.
void AppendColumn(const v1::Job& job, const Metric& metric, Rows* rows) {
  double sum = 0;
  int count = 0;
  std::vector<std::string> cells;
  for (const v1::ImageMetrics& m : job.metrics()) {
    const std::optional<double> value = metric.get(m);
    cells.push_back(value ? absl::StrFormat(absl::ParsedFormat<'f'>(metric.format), *value) : "-");
  }
  (void)sum;
  (void)count;
  (void)rows;
}

}  // namespace

}  // namespace tweedie::cli
