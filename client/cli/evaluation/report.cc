#include "client/cli/evaluation/report.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "client/cli/text.h"

namespace tweedie::cli {
namespace {

// RFC 4180.
std::string CsvCell(const std::string& text) {
  if (text.find_first_of(",\"\n") == std::string::npos) return text;
  return absl::StrCat("\"", absl::StrReplaceAll(text, {{"\"", "\"\""}}), "\"");
}

std::string CsvRow(const std::vector<std::string>& cells) {
  return absl::StrCat(
      absl::StrJoin(cells, ",",
                    [](std::string* out, const std::string& cell) { out->append(CsvCell(cell)); }),
      "\n");
}

std::string Number(bool is_set, double value) {
  return is_set ? absl::StrFormat("%.6g", value) : "";
}

std::string Mean(const Estimate& e) { return Number(e.count > 0, e.mean); }
std::string Error(const Estimate& e) { return Number(e.count > 1, e.error); }

// `26.31 ± 0.42`, or "-".
std::string WithError(const Estimate& e, int digits) {
  if (e.count == 0) return "-";
  std::string text = absl::StrFormat("%.*f", digits, e.mean);
  if (e.count > 1) absl::StrAppendFormat(&text, " ± %.*f", digits, e.error);
  return text;
}

std::string Escape(const std::string& text) { return absl::StrReplaceAll(text, {{"|", "\\|"}}); }

// Why a cell has no numbers, or "".
std::string Problems(const CellResult& result) {
  if (!result.refusal.empty()) return result.refusal;
  if (result.job.state() == v1::Job::SUCCEEDED) return "";
  const std::string state = LowerCase(v1::Job::State_Name(result.job.state()));
  return result.job.has_error() ? absl::StrCat(state, ": ", result.job.error().message()) : state;
}

std::string MarkdownRow(const Outcome& outcome) {
  const std::string name = Escape(outcome.cell.method);
  if (!Problems(outcome.result).empty()) {
    return absl::StrCat("| ", name, " | - | - | - | - | 0 | - |\n");
  }
  const Summary s = SummaryOf(outcome.result.job);
  return absl::StrCat("| ", name, " | ", WithError(s.psnr, 2), " | ", WithError(s.ssim, 4), " | ",
                      WithError(s.lpips, 4), " | ", WithError(s.residual, 3), " | ",
                      outcome.result.job.metrics_size(), " | ",
                      absl::StrFormat("%.2f", s.seconds_per_image), " |\n");
}

// PSNR of two pictures that are alike in size and channels, in [0, 1]; capped
// at that of one 8-bit step in one value.
double Psnr(const Image& a, const Image& b) {
  double sum = 0;
  for (size_t i = 0; i < a.pixels.size(); ++i) {
    const double difference = static_cast<double>(a.pixels[i]) / a.max_value -
                              static_cast<double>(b.pixels[i]) / b.max_value;
    sum += difference * difference;
  }
  const double count = static_cast<double>(a.pixels.size());
  return -10 * std::log10(std::max(sum, 1 / (255.0 * 255.0)) / count);
}

bool Alike(const Image& a, const Image& b) {
  return a.width == b.width && a.height == b.height && a.channels == b.channels;
}

// Why rows have no figures.
std::string NotesBelow(const Problem& problem) {
  std::string notes;
  for (const Outcome* outcome : problem.outcomes) {
    const std::string problems = Problems(outcome->result);
    if (problems.empty()) continue;
    absl::StrAppend(&notes, "\n", outcome->cell.method, ": ", problems, "\n");
  }
  return notes;
}

}  // namespace

Summary SummaryOf(const v1::Job& job) {
  std::vector<double> psnr, ssim, lpips, residual;
  for (const v1::ImageMetrics& m : job.metrics()) {
    if (m.has_psnr()) psnr.push_back(m.psnr());
    if (m.has_ssim()) ssim.push_back(m.ssim());
    if (m.has_lpips()) lpips.push_back(m.lpips());
    if (m.has_residual()) residual.push_back(m.residual());
  }
  const absl::Duration run_time = ToTime(job.end_time()) - ToTime(job.start_time());
  return {EstimateOf(psnr), EstimateOf(ssim), EstimateOf(lpips), EstimateOf(residual),
          absl::ToDoubleSeconds(run_time) / std::max(1, job.num_images())};
}

std::vector<Problem> GroupByProblem(const std::vector<Outcome>& outcomes) {
  std::vector<Problem> problems;
  for (const Outcome& outcome : outcomes) {
    const std::string name = ProblemOf(outcome.cell);
    auto it = std::find_if(problems.begin(), problems.end(),
                           [&](const Problem& problem) { return problem.name == name; });
    if (it == problems.end()) it = problems.insert(it, Problem{name, {}});
    it->outcomes.push_back(&outcome);
  }
  return problems;
}

std::optional<Estimate> MeasurementPsnr(const Problem& problem, const std::vector<Image>& truth) {
  std::vector<double> best;
  for (const Outcome* outcome : problem.outcomes) {
    const std::vector<Image>& measured = outcome->result.measured;
    std::vector<double> psnr;
    for (size_t i = 0; i < std::min(measured.size(), truth.size()); ++i) {
      if (!Alike(measured[i], truth[i])) return std::nullopt;
      psnr.push_back(Psnr(measured[i], truth[i]));
    }
    if (psnr.size() > best.size()) best = psnr;
  }
  return best.empty() ? std::nullopt : std::optional(EstimateOf(best));
}

std::string ResultsCsv(const std::vector<Outcome>& outcomes) {
  std::string csv =
      CsvRow({"operator", "noise", "method", "image", "psnr", "ssim", "lpips", "residual"});
  for (const Outcome& outcome : outcomes) {
    for (int i = 0; i < outcome.result.job.metrics_size(); ++i) {
      const v1::ImageMetrics& m = outcome.result.job.metrics(i);
      absl::StrAppend(
          &csv,
          CsvRow({outcome.cell.forward_operator, outcome.cell.noise, outcome.cell.method,
                  absl::StrCat(i), Number(m.has_psnr(), m.psnr()), Number(m.has_ssim(), m.ssim()),
                  Number(m.has_lpips(), m.lpips()), Number(m.has_residual(), m.residual())}));
    }
  }
  return csv;
}

std::string SummaryCsv(const std::vector<Outcome>& outcomes) {
  std::string csv = CsvRow({"operator", "noise", "method", "n", "psnr", "psnr_error", "ssim",
                            "ssim_error", "lpips", "lpips_error", "residual", "residual_error",
                            "seconds_per_image", "job", "problem"});
  for (const Outcome& outcome : outcomes) {
    const v1::Job& job = outcome.result.job;
    const Summary s = SummaryOf(job);
    absl::StrAppend(
        &csv, CsvRow({outcome.cell.forward_operator, outcome.cell.noise, outcome.cell.method,
                      absl::StrCat(job.metrics_size()), Mean(s.psnr), Error(s.psnr), Mean(s.ssim),
                      Error(s.ssim), Mean(s.lpips), Error(s.lpips), Mean(s.residual),
                      Error(s.residual), Number(job.metrics_size() > 0, s.seconds_per_image),
                      job.name(), Problems(outcome.result)}));
  }
  return csv;
}

std::string ReportMarkdown(const std::vector<Outcome>& outcomes, const std::vector<Image>& truth) {
  std::string markdown;
  for (const Problem& problem : GroupByProblem(outcomes)) {
    absl::StrAppend(&markdown, markdown.empty() ? "" : "\n", "## ", problem.name, "\n\n",
                    "| Method | PSNR/dB | SSIM | LPIPS | Residual | n | s/image |\n",
                    "|---|---|---|---|---|---|---|\n");
    const auto measured = MeasurementPsnr(problem, truth);
    if (measured) {
      absl::StrAppend(&markdown, "| (measurement) | ", WithError(*measured, 2), " | | | | ",
                      measured->count, " | |\n");
    }
    for (const Outcome* outcome : problem.outcomes) {
      absl::StrAppend(&markdown, MarkdownRow(*outcome));
    }
    absl::StrAppend(&markdown, NotesBelow(problem));
  }
  return markdown;
}

}  // namespace tweedie::cli
