#include "client/cli/evaluation/plots.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "client/cli/evaluation/svg_chart.h"
#include "client/cli/result_sheet.h"
#include "core/base/status_macros.h"
#include "imaging/fit.h"

namespace tweedie::cli {
namespace {

constexpr size_t kShownImages = 8;

// The methods, in the order in which they first appear.
std::vector<std::string> MethodNames(const std::vector<Outcome>& outcomes) {
  std::vector<std::string> names;
  for (const Outcome& outcome : outcomes) {
    if (std::find(names.begin(), names.end(), outcome.cell.method) == names.end()) {
      names.push_back(outcome.cell.method);
    }
  }
  return names;
}

BarGroup MakeGroup(const Problem& problem, const std::vector<std::string>& names) {
  BarGroup group{problem.name, std::vector<std::optional<Estimate>>(names.size())};
  for (const Outcome* outcome : problem.outcomes) {
    const auto name = std::find(names.begin(), names.end(), outcome->cell.method);
    const Estimate psnr = SummaryOf(outcome->result.job).psnr;
    if (psnr.count > 0) group.bars[name - names.begin()] = psnr;
  }
  return group;
}

// The measurement's pictures: those of the cell that has most of them.
std::vector<Image> MeasuredOf(const Problem& problem) {
  std::vector<Image> measured;
  for (const Outcome* outcome : problem.outcomes) {
    if (outcome->result.measured.size() > measured.size()) measured = outcome->result.measured;
  }
  return measured;
}

// Appends the first `columns` of `images`, and blanks where there are fewer.
void AppendRow(const std::vector<Image>& images, size_t columns, const Frame& frame,
               std::vector<Image>* sheet) {
  for (size_t i = 0; i < columns; ++i) {
    sheet->push_back(FitInto(frame, i < images.size() ? images[i] : Image{1, 1, 1, 255, {32}}));
  }
}

}  // namespace

std::string PsnrByMethodSvg(const std::vector<Outcome>& outcomes) {
  const std::vector<std::string> names = MethodNames(outcomes);
  std::vector<BarGroup> groups;
  for (const Problem& problem : GroupByProblem(outcomes)) {
    groups.push_back(MakeGroup(problem, names));
  }
  return BarChart({"PSNR by method: mean and standard error", "", "dB"}, names, groups);
}

std::string PsnrByStepSvg(const Problem& problem) {
  std::vector<Series> series;
  for (const Outcome* outcome : problem.outcomes) {
    const double num_steps = std::max(1, outcome->result.job.progress().num_steps());
    Series one{outcome->cell.method, {}};
    for (const CurvePoint& point : outcome->result.curve) {
      one.points.emplace_back(100 * point.step / num_steps, point.psnr);
    }
    series.push_back(std::move(one));
  }
  return LineChart({absl::StrCat("PSNR of the estimate: ", problem.name), "% of the steps", "dB"},
                   series);
}

absl::StatusOr<std::string> ComparisonPng(const Problem& problem, const std::vector<Image>& truth) {
  size_t columns = 0;
  for (const Outcome* outcome : problem.outcomes) {
    columns = std::max(columns, outcome->result.results.size());
  }
  columns = std::min({columns, kShownImages, truth.size()});
  if (columns == 0) return std::string();
  const Frame frame{truth[0].width, truth[0].height, truth[0].channels};
  std::vector<Image> sheet;
  AppendRow(truth, columns, frame, &sheet);
  const std::vector<Image> measured = MeasuredOf(problem);
  if (!measured.empty()) AppendRow(measured, columns, frame, &sheet);
  for (const Outcome* outcome : problem.outcomes) {
    const std::vector<Image>& results = outcome->result.results;
    if (!results.empty()) AppendRow(results, columns, frame, &sheet);
  }
  return MakeSheetPng(sheet, static_cast<int>(columns));
}

std::vector<std::string> ComparisonRows(const Problem& problem) {
  std::vector<std::string> rows = {"truth"};
  if (!MeasuredOf(problem).empty()) rows.push_back("measurement");
  for (const Outcome* outcome : problem.outcomes) {
    if (!outcome->result.results.empty()) rows.push_back(outcome->cell.method);
  }
  return rows;
}

std::string FileStem(const std::string& name) {
  std::string stem;
  for (const char c : name) {
    const bool kept = absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '.';
    if (kept) {
      stem.push_back(absl::ascii_tolower(static_cast<unsigned char>(c)));
    } else if (!stem.empty() && stem.back() != '-') {
      stem.push_back('-');
    }
  }
  while (!stem.empty() && stem.back() == '-') stem.pop_back();
  return stem;
}

}  // namespace tweedie::cli
