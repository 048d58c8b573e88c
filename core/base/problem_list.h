#ifndef TWEEDIE_CORE_BASE_PROBLEM_LIST_H_
#define TWEEDIE_CORE_BASE_PROBLEM_LIST_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace tweedie {

// Names of one kind of problem, of which a message shows the first ten:
// `missing: conv_in.bias [8], conv_out.bias [3] and 4 more`. Names may be
// hostile; they are escaped.
class ProblemList {
 public:
  explicit ProblemList(absl::string_view kind) : kind_(kind) {}
  // `detail` follows the name as it is.
  void Add(absl::string_view name, absl::string_view detail = "");

  // The non-empty ones of `lists`, separated by semicolons; empty if none is.
  static std::string Describe(const std::vector<const ProblemList*>& lists);

 private:
  std::string ToString() const;

  const std::string kind_;
  std::vector<std::string> shown_;
  size_t count_ = 0;
};

}  // namespace tweedie

#endif  // TWEEDIE_CORE_BASE_PROBLEM_LIST_H_
