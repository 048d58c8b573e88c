#include "core/weights/dialects/state_dict.h"

#include <ATen/ATen.h>
#include <c10/util/ParallelGuard.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "core/base/problem_list.h"
#include "core/base/status_macros.h"
#include "core/nn/network.h"

namespace tweedie {
namespace {

std::string Shape(at::IntArrayRef sizes) {
  return absl::StrCat("[", absl::StrJoin(sizes, ", "), "]");
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

struct Assignment {
  std::string name;      // in the file
  at::Tensor parameter;  // of the network
  at::Tensor value;      // of the file
};

// Pairs a network's parameters with tensors, and collects all that does not fit.
class Matcher {
 public:
  explicit Matcher(const Tensors& tensors) : tensors_(tensors) {}

  void Match(const at::Tensor& parameter, const Source& source) {
    const auto found = tensors_.find(source.key);
    if (found == tensors_.end()) {
      if (reported_.insert(source.key).second) {
        missing_.Add(source.key, absl::StrCat(" ", Shape(FileShape(source, parameter.sizes()))));
      }
      return;
    }
    used_.insert(source.key);
    const at::Tensor& tensor = found->second;
    const std::optional<at::Tensor> value = Adapt(source, tensor, parameter.sizes());
    if (!value) {
      if (!reported_.insert(source.key).second) return;
      misshapen_.Add(source.key, absl::StrCat(" ", Shape(tensor.sizes()), " where the network has ",
                                              Shape(FileShape(source, parameter.sizes()))));
    } else if (!at::isFloatingType(tensor.scalar_type())) {
      if (!reported_.insert(source.key).second) return;
      not_float_.Add(source.key, absl::StrCat(" ", at::toString(tensor.scalar_type())));
    } else {
      assignments_.push_back({source.key, parameter, *value});
    }
  }

  absl::StatusOr<std::vector<Assignment>> Take() {
    for (const auto& [name, tensor] : tensors_) {
      if (used_.count(name) == 0) unknown_.Add(name, absl::StrCat(" ", Shape(tensor.sizes())));
    }
    const std::string problems =
        ProblemList::Describe({&missing_, &misshapen_, &not_float_, &unknown_});
    if (problems.empty()) return std::move(assignments_);
    return absl::InvalidArgumentError(absl::StrCat("tensors ", problems));
  }

 private:
  const Tensors& tensors_;
  std::vector<Assignment> assignments_;
  std::set<std::string> used_, reported_;  // one tensor may make several parameters
  ProblemList missing_{"missing"}, misshapen_{"of another shape"}, not_float_{"not floating-point"},
      unknown_{"not known to the network"};
};

absl::StatusOr<std::vector<Assignment>> MatchAll(const Tensors& tensors, const KeyMap& map,
                                                 const nn::Network& network) {
  Matcher matcher(tensors);
  for (const auto& item : network.named_parameters()) {
    const auto source = map.find(item.key());
    if (source == map.end()) {
      return absl::InternalError(absl::StrCat("no tensor is mapped to parameter ", item.key()));
    }
    matcher.Match(item.value(), source->second);
  }
  return matcher.Take();
}

KeyMap OwnNames(const nn::Network& network) {
  KeyMap map;
  for (const auto& item : network.named_parameters()) {
    const bool attention = absl::StrContains(item.key(), "attentions.");
    map[item.key()] = {.key = item.key(), .form = attention ? Form::kPointwise : Form::kSame};
  }
  return map;
}

// One pass, where all are: the sum of what is not finite is not. Of what is it may
// overflow.
bool IsFinite(const at::Tensor& value) {
  return value.sum().isfinite().item<bool>() || value.isfinite().all().item<bool>();
}

// Whether nobody else sees the memory of `value`, all of which is its elements.
bool IsSole(const at::Tensor& value) {
  return value.use_count() == 1 && value.storage().use_count() == 1 && value.is_contiguous() &&
         value.storage().nbytes() == value.nbytes();
}

// [O, I, H, W] to channels-last. Each output channel stays in its place, so that a
// value that nobody else sees needs no second memory: four times as fast as ATen's
// copy of a large network.
at::Tensor ToChannelsLast(at::Tensor value) {
  const int64_t channels = value.size(1), area = value.size(2) * value.size(3);
  if (channels == 1 || area == 1 || !IsSole(value)) {
    return value.contiguous(at::MemoryFormat::ChannelsLast);
  }
  std::vector<float> filter(static_cast<size_t>(channels * area));
  float* out = value.mutable_data_ptr<float>();
  for (int64_t o = 0; o < value.size(0); ++o, out += channels * area) {
    std::copy_n(out, channels * area, filter.data());
    for (int64_t i = 0; i < channels; ++i) {
      for (int64_t p = 0; p < area; ++p) out[p * channels + i] = filter[i * area + p];
    }
  }
  const int64_t width = value.size(3);
  return value.as_strided(value.sizes(), {channels * area, 1, width * channels, channels});
}

// The value in the form that the network computes with.
absl::Status Convert(Assignment* assignment) {
  at::Tensor value = std::exchange(assignment->value, at::Tensor()).to(at::kFloat);
  if (!IsFinite(value)) {
    return absl::InvalidArgumentError(
        absl::StrCat("tensor ", assignment->name, " has values that are not finite in float32"));
  }
  assignment->value = value.dim() == 4 ? ToChannelsLast(std::move(value)) : value.contiguous();
  return absl::OkStatus();
}

// Converts all, on two threads: one does not fill the memory's bandwidth. The first
// error, in the order of the assignments.
absl::Status ConvertAll(std::vector<Assignment>& assignments) {
  std::vector<absl::Status> statuses(assignments.size());
  std::atomic<size_t> next = 0;
  const auto work = [&] {
    const at::NoGradGuard no_grad;
    const c10::ParallelGuard alone(true);  // no threads of LibTorch's
    for (size_t i = next++; i < assignments.size(); i = next++) {
      statuses[i] = Convert(&assignments[i]);
    }
  };
  std::future<void> other = std::async(std::launch::async, work);
  work();
  other.get();
  for (const absl::Status& status : statuses) RETURN_IF_ERROR(status);
  return absl::OkStatus();
}

}  // namespace

absl::Status LoadStateDict(Tensors tensors, const KeyMap& map, nn::Network& network) {
  const at::NoGradGuard no_grad;
  ASSIGN_OR_RETURN(std::vector<Assignment> assignments, MatchAll(tensors, map, network));
  tensors.clear();  // what is converted below need not be kept twice
  RETURN_IF_ERROR(ConvertAll(assignments));
  for (Assignment& assignment : assignments) assignment.parameter.set_data(assignment.value);
  return absl::OkStatus();
}

absl::Status LoadStateDict(Tensors tensors, nn::Network& network) {
  ASSIGN_OR_RETURN(tensors, WithCurrentNames(std::move(tensors)));
  return LoadStateDict(std::move(tensors), OwnNames(network), network);
}

}  // namespace tweedie
