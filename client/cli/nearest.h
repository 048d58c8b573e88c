#ifndef TWEEDIE_CLIENT_CLI_NEAREST_H_
#define TWEEDIE_CLIENT_CLI_NEAREST_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace tweedie::cli {

// How many letters must be put in, left out, changed, or swapped with their neighbour to
// make `b` of `a`.
int EditDistance(absl::string_view a, absl::string_view b);

// Which of `words` was probably meant by `text`: the nearest, the first of equals; or ""
// if it would take more than a third of its letters, and more than one, to get there.
// Upper and lower case are the same.
std::string Nearest(absl::string_view text, const std::vector<std::string>& words);

// `; did you mean 'WORD'?`, or "".
std::string DidYouMean(absl::string_view text, const std::vector<std::string>& words);

}  // namespace tweedie::cli

#endif  // TWEEDIE_CLIENT_CLI_NEAREST_H_
