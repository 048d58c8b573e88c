#ifndef TWEEDIE_CLIENT_CLI_EVALUATION_SVG_CHART_H_
#define TWEEDIE_CLIENT_CLI_EVALUATION_SVG_CHART_H_

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "client/cli/statistics.h"

namespace tweedie::cli {

// What stands around a chart.
struct ChartText {
  std::string title;
  std::string x;
  std::string y;
};

// One line of a line chart.
struct Series {
  std::string name;
  std::vector<std::pair<double, double>> points;  // x ascending
};

// Bars that stand together, one a name of the chart; nullopt leaves a gap.
struct BarGroup {
  std::string name;
  std::vector<std::optional<Estimate>> bars;
};

// An SVG file, deterministic. Values that are not finite are left out; "" if
// there are no others.
std::string LineChart(const ChartText& text, const std::vector<Series>& series);

// The same. Bars begin at the bottom, which need not be 0, and show the mean
// with its standard error.
std::string BarChart(const ChartText& text, const std::vector<std::string>& names,
                     const std::vector<BarGroup>& groups);

// About `count` round values that cover [low, high], ascending.
std::vector<double> Ticks(double low, double high, int count);

}  // namespace tweedie::cli

#endif  // TWEEDIE_CLIENT_CLI_EVALUATION_SVG_CHART_H_
