// Ports of Ho et al. (2020) to PyTorch by pesser/pytorch_diffusion, whose class
// `Model` is in the code of DDIM, SDEdit, DDRM and DDNM too.
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/field_error.h"
#include "core/base/status_macros.h"
#include "core/nn/unet.h"
#include "core/weights/dialects/ho_unet.h"
#include "core/weights/dialects/limits.h"
#include "core/weights/dialects/plans.h"

namespace tweedie {
namespace {

constexpr char kDialect[] = "pesser";
constexpr int64_t kNumGroups = 32;

absl::Status AgreeOnShape(Arguments& arguments, int64_t image_size, const HoUnet& unet) {
  RETURN_IF_ERROR(arguments.Agree("ch", unet.model_channels));
  RETURN_IF_ERROR(arguments.Agree("in_channels", unet.in_channels));
  RETURN_IF_ERROR(arguments.Agree("out_ch", unet.out_channels));
  RETURN_IF_ERROR(arguments.Agree("num_res_blocks", unet.num_res_blocks));
  RETURN_IF_ERROR(arguments.MustBe("resamp_with_conv", true));
  ASSIGN_OR_RETURN(const std::vector<double> multipliers, arguments.List("ch_mult"));
  if (!multipliers.empty()) {
    RETURN_IF_ERROR(AgreeMultipliers("ch_mult", multipliers, unet.model_channels, unet.channels));
  }
  const bool says_attention = arguments.Has("attn_resolutions");
  ASSIGN_OR_RETURN(const std::vector<double> resolutions, arguments.List("attn_resolutions"));
  if (says_attention) {
    RETURN_IF_ERROR(AgreeAttention("attn_resolutions", resolutions, image_size, unet.attention));
  }
  arguments.Skip({"dropout", "type", "ema", "ema_rate"});
  return absl::OkStatus();
}

// The code has fixed variances alone (var_type), and its network predicts the noise. Forks that
// learn variances do so by rules that no file tells.
absl::Status CheckOutput(const HoUnet& unet) {
  if (unet.out_channels == unet.in_channels) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("conv_out.weight has ", unet.out_channels, " channels for images of ",
                   unet.in_channels, "; learned variances are not supported for ", kDialect));
}

// `resolution` is the network's name for the size, `image_size` the data's.
absl::StatusOr<int64_t> ReadImageSize(Arguments& arguments) {
  int64_t size = 0;
  const bool by_network = arguments.Has("resolution") && !arguments.Has("image_size");
  RETURN_IF_ERROR(arguments.Required(by_network ? "resolution" : "image_size", 1, kMaxSide, &size));
  RETURN_IF_ERROR(arguments.Agree("resolution", size));
  return size;
}

}  // namespace

absl::StatusOr<ModelPlan> PlanHo(const Tensors& tensors, ModelSettings settings) {
  RETURN_IF_ERROR(CheckDialect(settings, kDialect));
  ASSIGN_OR_RETURN(const HoUnet unet, InferHoUnet(tensors));
  RETURN_IF_ERROR(CheckOutput(unet));
  Arguments arguments(std::move(settings.values), kDialect);
  ASSIGN_OR_RETURN(const int64_t image_size, ReadImageSize(arguments));
  RETURN_IF_ERROR(CheckSizes(unet.channels, kNumGroups, image_size));
  RETURN_IF_ERROR(AgreeOnShape(arguments, image_size, unet));
  ModelPlan plan;
  plan.dialect = kDialect;
  plan.image_shape = {unet.in_channels, image_size, image_size};
  RETURN_IF_ERROR(ReadHoBetas(arguments, &plan.scheduler));
  RETURN_IF_ERROR(ReadHoVariance(arguments, &plan.scheduler));
  RETURN_IF_ERROR(ReadHoData(arguments, plan));
  // Forks of the code might differ, and no shape would tell.
  arguments.Assume(
      "one head, sines before cosines, eps 1e-6, padding right and below (fixed in pesser's code)");
  ASSIGN_OR_RETURN(plan.assumptions, arguments.Finish());
  nn::UnetConfig config = HoUnetConfig(unet);
  config.sample_size = {image_size, image_size};
  plan.network = std::make_shared<nn::UnetImpl>(config);
  plan.map = HoKeyMap(unet);
  // Of models of type `bayesian`; sampling does not use it.
  if (tensors.count("logvar") > 0) plan.ignored.push_back("logvar");
  return plan;
}

}  // namespace tweedie
