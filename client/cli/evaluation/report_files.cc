#include "client/cli/evaluation/report_files.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/cli/evaluation/plots.h"
#include "client/cli/local_file.h"
#include "core/base/status_macros.h"

namespace tweedie::cli {
namespace {

// Files of one folder, and Markdown that shows them.
class Gallery {
 public:
  explicit Gallery(std::string folder) : folder_(std::move(folder)) {}

  // Nothing is written of an empty file.
  absl::Status Add(const std::string& name, const std::string& alt, absl::string_view bytes) {
    if (bytes.empty()) return absl::OkStatus();
    RETURN_IF_ERROR(Write(name, bytes));
    absl::StrAppend(&markdown_, "\n![", alt, "](", name, ")\n");
    return absl::OkStatus();
  }
  absl::Status Write(const std::string& name, absl::string_view bytes) const {
    return WriteLocalFile(absl::StrCat(folder_, "/", name), bytes);
  }
  const std::string& markdown() const { return markdown_; }

 private:
  const std::string folder_;
  std::string markdown_;
};

absl::Status AddProblem(const Problem& problem, const std::vector<Image>& truth, Gallery* gallery) {
  const std::string stem = FileStem(problem.name);
  RETURN_IF_ERROR(gallery->Add(absl::StrCat("steps-", stem, ".svg"),
                               absl::StrCat("PSNR by step: ", problem.name),
                               PsnrByStepSvg(problem)));
  ASSIGN_OR_RETURN(const std::string png, ComparisonPng(problem, truth));
  return gallery->Add(
      absl::StrCat("images-", stem, ".png"),
      absl::StrCat(problem.name, ", rows: ", absl::StrJoin(ComparisonRows(problem), ", ")), png);
}

}  // namespace

absl::Status WriteReport(const std::string& folder, const std::vector<Outcome>& outcomes,
                         const std::vector<Image>& truth) {
  RETURN_IF_ERROR(MakeLocalFolder(folder));
  Gallery gallery(folder);
  RETURN_IF_ERROR(gallery.Write("results.csv", ResultsCsv(outcomes)));
  RETURN_IF_ERROR(gallery.Write("summary.csv", SummaryCsv(outcomes)));
  RETURN_IF_ERROR(gallery.Add("psnr.svg", "PSNR by method", PsnrByMethodSvg(outcomes)));
  for (const Problem& problem : GroupByProblem(outcomes)) {
    RETURN_IF_ERROR(AddProblem(problem, truth, &gallery));
  }
  return gallery.Write("report.md",
                       absl::StrCat(ReportMarkdown(outcomes, truth), gallery.markdown()));
}

}  // namespace tweedie::cli
