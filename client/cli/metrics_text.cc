#include "client/cli/metrics_text.h"

#include <optional>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "client/cli/text.h"

namespace tweedie::cli {
namespace {

using Value = std::optional<double>;
using Rows = std::vector<std::vector<std::string>>;

// One column of the table.
struct Metric {
  const char* title;
  std::string (*format)(double);
  Value (*get)(const v1::ImageMetrics&);
};

std::string TwoDecimals(double value) { return absl::StrFormat("%.2f", value); }
std::string FourDecimals(double value) { return absl::StrFormat("%.4f", value); }
std::string FourDigits(double value) { return absl::StrFormat("%.4g", value); }

constexpr int kPsnr = 0;
constexpr int kResidual = 3;
const Metric kMetrics[] = {
    {"PSNR/dB", TwoDecimals,
     [](const v1::ImageMetrics& m) { return m.has_psnr() ? Value(m.psnr()) : std::nullopt; }},
    {"SSIM", FourDecimals,
     [](const v1::ImageMetrics& m) { return m.has_ssim() ? Value(m.ssim()) : std::nullopt; }},
    {"LPIPS", FourDecimals,
     [](const v1::ImageMetrics& m) { return m.has_lpips() ? Value(m.lpips()) : std::nullopt; }},
    {"RESIDUAL", FourDigits,
     [](const v1::ImageMetrics& m) {
       return m.has_residual() ? Value(m.residual()) : std::nullopt;
     }},
};

// The mean over the images that have the metric.
Value Mean(const Metric& metric, const MetricsList& metrics) {
  double sum = 0;
  int count = 0;
  for (const v1::ImageMetrics& m : metrics) {
    const Value value = metric.get(m);
    sum += value.value_or(0);
    count += value.has_value() ? 1 : 0;
  }
  return count > 0 ? Value(sum / count) : std::nullopt;
}

// Appends a cell to each row: of the title, the images, and the mean.
void AppendColumn(const Metric& metric, const MetricsList& metrics, Rows* rows) {
  const auto cell = [&](Value value) { return value ? metric.format(*value) : "-"; };
  (*rows)[0].push_back(metric.title);
  for (int i = 0; i < metrics.size(); ++i) (*rows)[i + 1].push_back(cell(metric.get(metrics[i])));
  rows->back().push_back(cell(Mean(metric, metrics)));
}

}  // namespace

std::string MetricsTable(const MetricsList& metrics) {
  Rows rows = {{"IMAGE"}};
  for (int i = 0; i < metrics.size(); ++i) rows.push_back({absl::StrCat(i)});
  rows.push_back({"mean"});
  for (const Metric& metric : kMetrics) {
    if (Mean(metric, metrics)) AppendColumn(metric, metrics, &rows);
  }
  if (rows[0].size() == 1) return "";
  if (metrics.size() == 1) rows.pop_back();
  return FormatTable(rows);
}

std::string MeansText(const MetricsList& metrics) {
  std::vector<std::string> parts;
  const Value psnr = Mean(kMetrics[kPsnr], metrics);
  const Value residual = Mean(kMetrics[kResidual], metrics);
  if (psnr) parts.push_back(absl::StrFormat("PSNR %.1f dB", *psnr));
  if (residual) parts.push_back(absl::StrFormat("residual %.3g", *residual));
  return absl::StrJoin(parts, ", ");
}

}  // namespace tweedie::cli
