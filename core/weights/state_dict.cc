#include "core/weights/state_dict.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "core/base/problem_list.h"
#include "core/base/status_macros.h"
#include "core/nn/unet.h"

namespace tweedie {
namespace {

using Tensors = std::map<std::string, at::Tensor>;

std::string Shape(const at::Tensor& tensor) {
  return absl::StrCat("[", absl::StrJoin(tensor.sizes(), ", "), "]");
}

// Renames what older releases called otherwise. Both spellings at once are an
// error: one of them would be lost.
absl::StatusOr<Tensors> WithCurrentNames(Tensors tensors) {
  Tensors renamed;
  for (auto& [name, tensor] : tensors) {
    std::string current = name;
    if (absl::StrContains(name, "attentions.")) {
      current = absl::StrReplaceAll(name, {{".query.", ".to_q."},
                                           {".key.", ".to_k."},
                                           {".value.", ".to_v."},
                                           {".proj_attn.", ".to_out.0."}});
    }
    if (!renamed.emplace(current, std::move(tensor)).second ||
        (current != name && tensors.count(current) > 0)) {
      return absl::InvalidArgumentError(
          absl::StrCat("tensor ", absl::Utf8SafeCEscape(current), " is there in two spellings"));
    }
  }
  return renamed;
}

// Drops the trailing ones of a 1x1 convolution that stands for a linear layer.
at::Tensor AsLinear(at::Tensor tensor, const at::Tensor& parameter) {
  while (parameter.dim() == 2 && tensor.dim() > 2 && tensor.size(-1) == 1) {
    tensor = tensor.squeeze(-1);
  }
  return tensor;
}

struct Assignment {
  std::string name;
  at::Tensor parameter;  // of the network
  at::Tensor value;      // of the file
};

// Pairs parameters with tensors, and tells everything that does not fit.
absl::StatusOr<std::vector<Assignment>> Match(Tensors tensors, const nn::UnetImpl& network) {
  ProblemList missing("missing"), misshapen("of another shape"), not_float("not floating-point"),
      unknown("not known to the network");
  std::vector<Assignment> assignments;
  for (const auto& item : network.named_parameters()) {
    const auto found = tensors.find(item.key());
    if (found == tensors.end()) {
      missing.Add(item.key(), absl::StrCat(" ", Shape(item.value())));
      continue;
    }
    const bool attention = absl::StrContains(item.key(), "attentions.");
    const at::Tensor value = attention ? AsLinear(found->second, item.value()) : found->second;
    if (value.sizes() != item.value().sizes()) {
      misshapen.Add(item.key(), absl::StrCat(" ", Shape(found->second), " where the network has ",
                                             Shape(item.value())));
    } else if (!at::isFloatingType(value.scalar_type())) {
      not_float.Add(item.key(), absl::StrCat(" ", at::toString(value.scalar_type())));
    }
    assignments.push_back({item.key(), item.value(), value});
    tensors.erase(found);
  }
  for (const auto& [name, tensor] : tensors) unknown.Add(name, absl::StrCat(" ", Shape(tensor)));
  const std::string problems = ProblemList::Describe({&missing, &misshapen, &not_float, &unknown});
  if (problems.empty()) return assignments;
  return absl::InvalidArgumentError(absl::StrCat("tensors ", problems));
}

// The value in the form that the network computes with.
absl::Status Convert(Assignment* assignment) {
  at::Tensor value = assignment->value.to(at::kFloat);
  if (!value.isfinite().all().item<bool>()) {
    return absl::InvalidArgumentError(
        absl::StrCat("tensor ", assignment->name, " has values that are not finite in float32"));
  }
  assignment->value = value.contiguous(value.dim() == 4 ? at::MemoryFormat::ChannelsLast
                                                        : at::MemoryFormat::Contiguous);
  return absl::OkStatus();
}

}  // namespace

absl::Status LoadStateDict(Tensors tensors, nn::UnetImpl& network) {
  const at::NoGradGuard no_grad;
  ASSIGN_OR_RETURN(tensors, WithCurrentNames(std::move(tensors)));
  ASSIGN_OR_RETURN(std::vector<Assignment> assignments, Match(std::move(tensors), network));
  for (Assignment& assignment : assignments) RETURN_IF_ERROR(Convert(&assignment));
  for (Assignment& assignment : assignments) assignment.parameter.set_data(assignment.value);
  return absl::OkStatus();
}

}  // namespace tweedie
