#include "core/metrics/lpips.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <exception>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/problem_list.h"
#include "core/base/status_macros.h"
#include "core/metrics/backbone.h"

namespace tweedie {
namespace {

using Tensors = std::map<std::string, at::Tensor>;

constexpr double kNormEps = 1e-10;

std::string Shape(at::IntArrayRef sizes) {
  return absl::StrCat("[", absl::StrJoin(sizes, ", "), "]");
}

// The name of head k, and its shape, for each compared layer.
std::vector<BackboneParameter> HeadsOf(const Backbone& backbone) {
  std::vector<BackboneParameter> heads;
  int64_t channels = 3;
  for (size_t i = 0; i < backbone.layers.size(); ++i) {
    channels = ChannelsAfter(backbone.layers[i], channels);
    if (i == backbone.compared[heads.size()]) {
      heads.push_back({absl::StrCat("lin", heads.size(), ".weight"), {1, channels, 1, 1}});
    }
  }
  return heads;
}

// Tells everything that does not fit.
absl::Status Check(const Tensors& tensors, const std::vector<BackboneParameter>& parameters) {
  ProblemList missing("missing"), misshapen("of another shape"), not_float("not floating-point"),
      unknown("not known to the network");
  Tensors rest = tensors;
  for (const BackboneParameter& parameter : parameters) {
    const auto found = rest.find(parameter.name);
    if (found == rest.end()) {
      missing.Add(parameter.name, absl::StrCat(" ", Shape(parameter.shape)));
      continue;
    }
    const at::Tensor& tensor = found->second;
    if (tensor.sizes() != at::IntArrayRef(parameter.shape)) {
      misshapen.Add(parameter.name,
                    absl::StrCat(" ", Shape(tensor.sizes()), " where the network has ",
                                 Shape(parameter.shape)));
    } else if (!at::isFloatingType(tensor.scalar_type())) {
      not_float.Add(parameter.name, absl::StrCat(" ", at::toString(tensor.scalar_type())));
    }
    rest.erase(found);
  }
  for (const auto& [name, tensor] : rest) {
    unknown.Add(name, absl::StrCat(" ", Shape(tensor.sizes())));
  }
  const std::string problems = ProblemList::Describe({&missing, &misshapen, &not_float, &unknown});
  if (problems.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("tensors ", problems));
}

absl::StatusOr<std::vector<at::Tensor>> Load(const Tensors& tensors,
                                             const std::vector<BackboneParameter>& parameters) {
  std::vector<at::Tensor> loaded;
  for (const BackboneParameter& parameter : parameters) {
    const at::Tensor value = tensors.at(parameter.name).detach().to(at::kFloat).contiguous();
    if (!value.isfinite().all().item<bool>()) {
      return absl::InvalidArgumentError(
          absl::StrCat("tensor ", parameter.name, " has values that are not finite in float32"));
    }
    loaded.push_back(value);
  }
  return loaded;
}

// What the nets were trained on, from an image [C, H, W] in [-1, 1]: [1, 3, H, W].
at::Tensor Scaled(const at::Tensor& image) {
  const at::Tensor shift = at::tensor({-0.030, -0.088, -0.188}, at::kFloat).view({1, 3, 1, 1});
  const at::Tensor scale = at::tensor({0.458, 0.448, 0.450}, at::kFloat).view({1, 3, 1, 1});
  const at::Tensor rgb = image.detach().to(at::kFloat).clamp(-1, 1).unsqueeze(0);
  return rgb.expand({1, 3, image.size(1), image.size(2)}).sub(shift).div(scale);
}

at::Tensor UnitNormalised(const at::Tensor& features) {
  return features.div(features.square().sum(1, /*keepdim=*/true).sqrt().add(kNormEps));
}

}  // namespace

struct Lpips::Network {
  const Backbone& backbone;
  std::vector<std::vector<at::Tensor>> layers;  // parameters of each
  std::vector<at::Tensor> heads;                // of each compared layer

  // Of an image [C, H, W], normalised, for each compared layer. Images are
  // evaluated one by one, so that equal ones have equal features.
  std::vector<at::Tensor> Features(const at::Tensor& image) const;
};

std::vector<at::Tensor> Lpips::Network::Features(const at::Tensor& image) const {
  std::vector<at::Tensor> features;
  at::Tensor x = Scaled(image);
  for (size_t i = 0; i < layers.size(); ++i) {
    x = Apply(backbone.layers[i], layers[i], x);
    if (i == backbone.compared[features.size()]) features.push_back(UnitNormalised(x));
  }
  return features;
}

absl::StatusOr<Lpips> Lpips::Create(Tensors tensors, absl::string_view net) {
  const at::NoGradGuard no_grad;
  const Backbone* backbone = FindBackbone(net);
  if (backbone == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("net must be alex, squeeze or vgg16; was '", absl::Utf8SafeCEscape(net), "'"));
  }
  const std::vector<BackboneParameter> heads = HeadsOf(*backbone);
  std::vector<BackboneParameter> all = heads;
  for (const auto& layer : ParametersOf(*backbone))
    all.insert(all.end(), layer.begin(), layer.end());
  RETURN_IF_ERROR(Check(tensors, all));
  Network network{.backbone = *backbone, .layers = {}, .heads = {}};
  for (const auto& layer : ParametersOf(*backbone)) {
    ASSIGN_OR_RETURN(network.layers.emplace_back(), Load(tensors, layer));
  }
  ASSIGN_OR_RETURN(network.heads, Load(tensors, heads));
  return Lpips(std::make_shared<const Network>(std::move(network)));
}

absl::StatusOr<std::optional<double>> Lpips::Distance(const at::Tensor& image,
                                                      const at::Tensor& reference) const {
  if (image.dim() != 3 || image.sizes() != reference.sizes()) {
    return absl::InvalidArgumentError(
        absl::StrCat("LPIPS compares images [C, H, W] of one shape; was ", Shape(image.sizes()),
                     " and ", Shape(reference.sizes())));
  }
  const bool has_colours = image.size(0) == 1 || image.size(0) == 3;
  if (!has_colours || std::min(image.size(1), image.size(2)) < min_side()) return std::nullopt;
  const at::NoGradGuard no_grad;
  try {
    const std::vector<at::Tensor> f0 = network_->Features(image),
                                  f1 = network_->Features(reference);
    double distance = 0;
    for (size_t i = 0; i < f0.size(); ++i) {
      const at::Tensor weighted = f0[i].sub(f1[i]).square().mul(network_->heads[i]);
      distance += weighted.sum(1).mean(at::kDouble).item<double>();
    }
    return distance;
  } catch (const std::exception& error) {
    return absl::InternalError(absl::StrCat("LPIPS failed: ", error.what()));
  }
}

absl::string_view Lpips::net() const { return network_->backbone.name; }

int64_t Lpips::min_side() const { return network_->backbone.min_side; }

}  // namespace tweedie
