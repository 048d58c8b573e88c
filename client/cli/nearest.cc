#include "client/cli/nearest.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace tweedie::cli {

// Optimal string alignment: row i holds the distances of a's first i letters.
int EditDistance(absl::string_view a, absl::string_view b) {
  std::vector<std::vector<int>> rows(a.size() + 1, std::vector<int>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) rows[i][0] = static_cast<int>(i);
  for (size_t j = 0; j <= b.size(); ++j) rows[0][j] = static_cast<int>(j);
  for (size_t i = 1; i <= a.size(); ++i) {
    for (size_t j = 1; j <= b.size(); ++j) {
      const int changed = rows[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      rows[i][j] = std::min({rows[i - 1][j] + 1, rows[i][j - 1] + 1, changed});
      const bool is_swap = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (is_swap) rows[i][j] = std::min(rows[i][j], rows[i - 2][j - 2] + 1);
    }
  }
  return rows[a.size()][b.size()];
}

std::string Nearest(absl::string_view text, const std::vector<std::string>& words) {
  const std::string lower = absl::AsciiStrToLower(text);
  std::string nearest;
  int least = 0;
  for (const std::string& word : words) {
    const int distance = EditDistance(lower, absl::AsciiStrToLower(word));
    const int allowed = std::max(1, static_cast<int>(word.size()) / 3);
    if (distance > allowed || (!nearest.empty() && distance >= least)) continue;
    nearest = word;
    least = distance;
  }
  return nearest;
}

std::string DidYouMean(absl::string_view text, const std::vector<std::string>& words) {
  const std::string nearest = Nearest(text, words);
  return nearest.empty() ? "" : absl::StrCat("; did you mean '", nearest, "'?");
}

}  // namespace tweedie::cli
