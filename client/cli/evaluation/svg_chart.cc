#include "client/cli/evaluation/svg_chart.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"

namespace tweedie::cli {
namespace {

constexpr double kWidth = 760;
constexpr double kHeight = 460;
constexpr double kLeft = 64;
constexpr double kRight = 560;  // the legend is beyond it
constexpr double kTop = 40;
constexpr double kBottom = 360;
// Told apart by people who do not see colours as most do (Okabe and Ito).
constexpr const char* kColors[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00",
                                   "#56b4e9", "#000000", "#999999", "#8c510a", "#5e3c99"};

std::string Escape(const std::string& text) {
  return absl::StrReplaceAll(text, {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}});
}

const char* Color(size_t i) { return kColors[i % std::size(kColors)]; }

std::string Text(double x, double y, const char* anchor, const std::string& text) {
  return absl::StrFormat("<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>\n", x, y, anchor,
                         Escape(text));
}

// Ends at (x, y), so that long names stand beside each other.
std::string SlantedText(double x, double y, const std::string& text) {
  return absl::StrFormat(
      "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\" transform=\"rotate(-25 %.1f %.1f)\">%s"
      "</text>\n",
      x, y, x, y, Escape(text));
}

std::string Line(double x1, double y1, double x2, double y2, const char* color) {
  return absl::StrFormat("<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"%s\"/>\n",
                         x1, y1, x2, y2, color);
}

// The values that an axis covers.
struct Range {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();

  void Add(double value) {
    if (!std::isfinite(value)) return;
    low = std::min(low, value);
    high = std::max(high, value);
  }
  bool empty() const { return low > high; }
};

// A range widened to round ticks, and where its values lie on the page.
class Axis {
 public:
  Axis(const Range& range, double from, double to)
      : ticks_(Ticks(range.low, range.high, 6)), from_(from), to_(to) {}

  double At(double value) const {
    const double low = ticks_.front();
    return from_ + (to_ - from_) * (value - low) / (ticks_.back() - low);
  }
  const std::vector<double>& ticks() const { return ticks_; }

 private:
  std::vector<double> ticks_;
  double from_;
  double to_;
};

std::string Begin(const ChartText& text, const Axis& y) {
  std::string svg = absl::StrFormat(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\" "
      "font-family=\"sans-serif\" font-size=\"12\">\n"
      "<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n",
      kWidth, kHeight);
  absl::StrAppend(&svg, Text((kLeft + kRight) / 2, 22, "middle", text.title));
  absl::StrAppend(&svg, Text((kLeft + kRight) / 2, kHeight - 12, "middle", text.x));
  absl::StrAppend(&svg, Text(kLeft - 8, kTop - 12, "end", text.y));
  for (const double tick : y.ticks()) {
    absl::StrAppend(&svg, Line(kLeft, y.At(tick), kRight, y.At(tick), "#dddddd"),
                    Text(kLeft - 8, y.At(tick) + 4, "end", absl::StrFormat("%g", tick)));
  }
  return svg;
}

std::string Legend(const std::vector<std::string>& names) {
  std::string svg;
  for (size_t i = 0; i < names.size(); ++i) {
    const double y = kTop + 10 + 20 * static_cast<double>(i);
    absl::StrAppendFormat(&svg,
                          "<rect x=\"%.1f\" y=\"%.1f\" width=\"12\" height=\"12\" fill=\"%s\"/>\n",
                          kRight + 16, y - 10, Color(i));
    absl::StrAppend(&svg, Text(kRight + 34, y, "start", names[i]));
  }
  return svg;
}

std::string Polyline(const Series& series, const Axis& x, const Axis& y, const char* color) {
  std::string points;
  for (const auto& [at, value] : series.points) {
    if (!std::isfinite(at) || !std::isfinite(value)) continue;
    absl::StrAppendFormat(&points, "%.1f,%.1f ", x.At(at), y.At(value));
  }
  return absl::StrFormat(
      "<polyline points=\"%s\" fill=\"none\" stroke=\"%s\" stroke-width=\"1.5\"/>\n", points,
      color);
}

std::string Bar(const Estimate& estimate, double left, double width, const Axis& y,
                const char* color) {
  const double top = y.At(estimate.mean);
  const double middle = left + width / 2;
  return absl::StrCat(
      absl::StrFormat("<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"%s\"/>\n",
                      left, top, width, std::max(0.0, kBottom - top), color),
      Line(middle, y.At(estimate.mean - estimate.error), middle,
           y.At(estimate.mean + estimate.error), "#333333"));
}

}  // namespace

std::vector<double> Ticks(double low, double high, int count) {
  if (high <= low) {
    low -= 0.5;
    high = low + 1;
  }
  const double raw = (high - low) / count;
  const double power = std::pow(10, std::floor(std::log10(raw)));
  double step = 10 * power;
  for (const double factor : {5.0, 2.0, 1.0}) {
    if (factor * power >= raw * (1 - 1e-9)) step = factor * power;
  }
  std::vector<double> ticks;
  const double first = std::floor(low / step + 1e-9);
  const double last = std::ceil(high / step - 1e-9);
  for (double i = first; i <= last; ++i) ticks.push_back(i * step);
  return ticks;
}

std::string LineChart(const ChartText& text, const std::vector<Series>& series) {
  Range xs;
  Range ys;
  std::vector<std::string> names;
  for (const Series& one : series) {
    names.push_back(one.name);
    for (const auto& [at, value] : one.points) {
      if (!std::isfinite(value)) continue;
      xs.Add(at);
      ys.Add(value);
    }
  }
  if (ys.empty() || xs.empty()) return "";
  const Axis x(xs, kLeft, kRight);
  const Axis y(ys, kBottom, kTop);
  std::string svg = Begin(text, y);
  for (const double tick : x.ticks()) {
    absl::StrAppend(&svg, Line(x.At(tick), kBottom, x.At(tick), kBottom + 4, "#333333"),
                    Text(x.At(tick), kBottom + 18, "middle", absl::StrFormat("%g", tick)));
  }
  for (size_t i = 0; i < series.size(); ++i) {
    absl::StrAppend(&svg, Polyline(series[i], x, y, Color(i)));
  }
  return absl::StrCat(svg, Legend(names), "</svg>\n");
}

std::string BarChart(const ChartText& text, const std::vector<std::string>& names,
                     const std::vector<BarGroup>& groups) {
  Range ys;
  for (const BarGroup& group : groups) {
    for (const auto& bar : group.bars) {
      if (!bar || !std::isfinite(bar->error)) continue;
      ys.Add(bar->mean - bar->error);
      ys.Add(bar->mean + bar->error);
    }
  }
  if (ys.empty() || names.empty()) return "";
  // The lowest bar is seen, too.
  ys.Add(ys.low - 0.1 * (ys.high - ys.low));
  const Axis y(ys, kBottom, kTop);
  std::string svg = Begin(text, y);
  const double span = (kRight - kLeft) / static_cast<double>(groups.size());
  const double width = 0.8 * span / static_cast<double>(names.size());
  for (size_t g = 0; g < groups.size(); ++g) {
    const double left = kLeft + span * (static_cast<double>(g) + 0.1);
    for (size_t i = 0; i < groups[g].bars.size(); ++i) {
      const auto& bar = groups[g].bars[i];
      if (!bar || !std::isfinite(bar->mean + bar->error)) continue;
      absl::StrAppend(&svg, Bar(*bar, left + width * static_cast<double>(i), width, y, Color(i)));
    }
    absl::StrAppend(&svg, SlantedText(left + 0.4 * span, kBottom + 14, groups[g].name));
  }
  return absl::StrCat(svg, Legend(names), "</svg>\n");
}

}  // namespace tweedie::cli
