#ifndef TWEEDIE_SERVER_HTTP_METRICS_TEXT_H_
#define TWEEDIE_SERVER_HTTP_METRICS_TEXT_H_

#include <map>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace tweedie {

// What is told of all series of a name.
struct MetricFamily {
  absl::string_view name;
  absl::string_view kind;  // "counter", "gauge" or "histogram"
  absl::string_view help;  // one line, without backslashes
};

// Every family that a server shows, by name.
absl::Span<const MetricFamily> MetricFamilies();

// `values`, by name with labels as Prometheus writes them, in its text format: the
// series of a family together behind its HELP and TYPE, the buckets of a histogram in
// the order of their bounds. A name of no family has neither line.
std::string MetricsText(const std::map<std::string, double>& values);

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_HTTP_METRICS_TEXT_H_
