// guided-diffusion and improved-diffusion: their create_model() and
// create_gaussian_diffusion(), by the names of those arguments.
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/field_error.h"
#include "core/base/status_macros.h"
#include "core/nn/unet.h"
#include "core/weights/dialects/limits.h"
#include "core/weights/dialects/openai_unet.h"
#include "core/weights/dialects/plans.h"

namespace tweedie {
namespace {

constexpr char kGuided[] = "guided-diffusion";
constexpr char kImproved[] = "improved-diffusion";
constexpr int64_t kNumGroups = 32;

// Which of the two it is, where the settings do not say: by arguments or parts
// that improved-diffusion does not have.
absl::StatusOr<std::string> TellDialect(const ModelSettings& settings, const OpenaiUnet& unet) {
  if (settings.dialect == kGuided || settings.dialect == kImproved) return settings.dialect;
  if (!settings.dialect.empty()) {
    return FieldError("dialect",
                      absl::StrCat("is ", settings.dialect.substr(0, 80), ", but the weights are ",
                                   kGuided, "'s or ", kImproved, "'s"));
  }
  bool guided = unet.resblock_updown;
  for (const char* key :
       {"num_head_channels", "resblock_updown", "use_new_attention_order", "channel_mult"}) {
    guided = guided || settings.values.Has(key);
  }
  if (guided) return std::string(kGuided);
  return FieldError("dialect", absl::StrCat("must be given: the weights may be ", kGuided, "'s or ",
                                            kImproved, "'s, whose defaults differ"));
}

std::vector<double> DefaultMultipliers(const std::string& dialect, int64_t image_size) {
  const bool guided = dialect == kGuided;
  if (image_size == 512 && guided) return {0.5, 1, 1, 2, 2, 4, 4};
  if (image_size == 256) return {1, 1, 2, 2, 4, 4};
  if (image_size == 128 && guided) return {1, 1, 2, 3, 4};
  if (image_size == 64) return {1, 2, 3, 4};
  if (image_size == 32 && !guided) return {1, 2, 2, 2};
  return {};
}

absl::Status AgreeOnLevels(Arguments& arguments, const std::string& dialect, int64_t image_size,
                           const OpenaiUnet& unet) {
  const bool by_size = arguments.Has("channel_mult");
  ASSIGN_OR_RETURN(std::vector<double> multipliers, arguments.List("channel_mult"));
  if (by_size && multipliers.empty()) multipliers = DefaultMultipliers(dialect, image_size);
  if (!multipliers.empty()) {
    RETURN_IF_ERROR(
        AgreeMultipliers("channel_mult", multipliers, unet.model_channels, unet.channels));
  }
  const bool says_attention = arguments.Has("attention_resolutions");
  ASSIGN_OR_RETURN(const std::vector<double> resolutions, arguments.List("attention_resolutions"));
  if (!says_attention) return absl::OkStatus();
  return AgreeAttention("attention_resolutions", resolutions, image_size, unet.attention);
}

absl::Status AgreeOnShape(Arguments& arguments, const OpenaiUnet& unet) {
  RETURN_IF_ERROR(arguments.Agree("num_channels", unet.model_channels));
  RETURN_IF_ERROR(arguments.Agree("num_res_blocks", unet.num_res_blocks));
  RETURN_IF_ERROR(arguments.Agree("in_channels", unet.in_channels));
  RETURN_IF_ERROR(arguments.Agree("learn_sigma", unet.out_channels == 2 * unet.in_channels));
  // DDRM's files say 3 of networks that also learn the variance.
  arguments.Skip({"out_channels"});
  RETURN_IF_ERROR(arguments.Agree("class_cond", unet.num_classes > 0));
  RETURN_IF_ERROR(arguments.Agree("use_scale_shift_norm", unet.scale_shift));
  if (unet.channels.size() > 1) {
    RETURN_IF_ERROR(arguments.Agree("resblock_updown", unet.resblock_updown));
  }
  RETURN_IF_ERROR(arguments.MustBe("resamp_with_conv", true));
  arguments.Skip(
      {"resblock_updown", "use_fp16", "use_checkpoint", "dropout", "model_path", "type"});
  return absl::OkStatus();
}

absl::Status CheckHeads(const OpenaiUnet& unet, const OpenaiHeads& heads) {
  for (size_t level = 0; level < unet.channels.size(); ++level) {
    const int64_t channels = unet.channels[level];
    if (!unet.attention[level] && level + 1 < unet.channels.size()) continue;
    if (heads.head_channels && channels % *heads.head_channels != 0) {
      return FieldError("num_head_channels",
                        absl::StrCat("must divide the ", channels,
                                     " channels of an attention; was ", *heads.head_channels));
    }
    if (heads.head_channels ||
        (channels % heads.num_heads == 0 && channels % heads.num_heads_up == 0)) {
      continue;
    }
    return FieldError("num_heads", absl::StrCat("and num_heads_upsample must divide the ", channels,
                                                " channels of an attention; were ", heads.num_heads,
                                                " and ", heads.num_heads_up));
  }
  return absl::OkStatus();
}

// -1 stands for "not set" in these projects.
absl::StatusOr<OpenaiHeads> ReadHeads(Arguments& arguments, bool guided, const OpenaiUnet& unet) {
  OpenaiHeads heads;
  int64_t head_channels = -1, heads_up = -1;
  if (guided) {
    RETURN_IF_ERROR(arguments.Integer("num_head_channels", -1, kMaxChannels, &head_channels));
    RETURN_IF_ERROR(arguments.Bool("use_new_attention_order", &heads.new_order));
  }
  if (head_channels == 0) return FieldError("num_head_channels", "must be -1 or above 0; was 0");
  if (head_channels > 0) {
    heads.head_channels = head_channels;
    arguments.Skip({"num_heads", "num_heads_upsample"});
  } else {
    RETURN_IF_ERROR(arguments.Integer("num_heads", 1, kMaxChannels, &heads.num_heads));
    RETURN_IF_ERROR(arguments.Integer("num_heads_upsample", -1, kMaxChannels, &heads_up));
    if (heads_up == 0) return FieldError("num_heads_upsample", "must be -1 or above 0; was 0");
    heads.num_heads_up = heads_up > 0 ? heads_up : heads.num_heads;
  }
  RETURN_IF_ERROR(CheckHeads(unet, heads));
  return heads;
}

absl::Status ReadBetas(Arguments& arguments, SchedulerConfig* scheduler) {
  const bool by_flag = arguments.Has("diffusion_steps");
  if (by_flag && arguments.Has("steps")) {
    return FieldError("steps", "and diffusion_steps are the same; give one");
  }
  int64_t steps = 1000;
  RETURN_IF_ERROR(
      arguments.Integer(by_flag ? "diffusion_steps" : "steps", 1, kMaxTimesteps, &steps));
  RETURN_IF_ERROR(arguments.Enum<BetaSchedule>(
      "noise_schedule", {{"linear", BetaSchedule::kLinear}, {"cosine", BetaSchedule::kCosine}},
      "linear", &scheduler->beta_schedule));
  scheduler->num_train_timesteps = static_cast<int>(steps);
  SetStretchedLinearBetas(steps, scheduler);
  return absl::OkStatus();
}

absl::Status ReadVariance(Arguments& arguments, bool learned, bool guided,
                          SchedulerConfig* scheduler) {
  bool small = false;
  if (!learned && !guided) RETURN_IF_ERROR(arguments.Bool("sigma_small", &small));
  arguments.Skip({"sigma_small"});  // without effect if the variance is learned
  scheduler->variance = learned ? Variance::kLearnedRange
                        : small ? Variance::kFixedSmall
                                : Variance::kFixedLarge;
  // The DPS authors' name for the same.
  RETURN_IF_ERROR(arguments.values().Enum<Variance>("model_var_type",
                                                    {{"fixed_small", Variance::kFixedSmall},
                                                     {"fixed_large", Variance::kFixedLarge},
                                                     {"learned_range", Variance::kLearnedRange}},
                                                    &scheduler->variance));
  if (scheduler->variance != Variance::kLearnedRange || learned) return absl::OkStatus();
  return FieldError("model_var_type", "is learned_range, but the network has no variance");
}

absl::Status ReadPrediction(Arguments& arguments, SchedulerConfig* scheduler) {
  // The DPS authors' name and openai's for the same.
  if (arguments.Has("model_mean_type")) {
    RETURN_IF_ERROR(arguments.values().Enum<Prediction>(
        "model_mean_type", {{"epsilon", Prediction::kEpsilon}, {"start_x", Prediction::kSample}},
        &scheduler->prediction));
    return arguments.Agree("predict_xstart", scheduler->prediction == Prediction::kSample);
  }
  bool predict_xstart = false;
  RETURN_IF_ERROR(arguments.Bool("predict_xstart", &predict_xstart));
  if (predict_xstart) scheduler->prediction = Prediction::kSample;
  return absl::OkStatus();
}

absl::Status ReadDiffusion(Arguments& arguments, bool guided, bool learned,
                           SchedulerConfig* scheduler) {
  // DDRM runs these networks with the diffusion of Ho et al.
  if (arguments.Has("num_diffusion_timesteps")) {
    RETURN_IF_ERROR(ReadHoBetas(arguments, scheduler));
  } else {
    RETURN_IF_ERROR(ReadBetas(arguments, scheduler));
  }
  RETURN_IF_ERROR(ReadVariance(arguments, learned, guided, scheduler));
  RETURN_IF_ERROR(ReadPrediction(arguments, scheduler));
  RETURN_IF_ERROR(ReadRespacing(arguments, scheduler));
  RETURN_IF_ERROR(arguments.values().Bool("clip_denoised", &scheduler->clip_sample));
  RETURN_IF_ERROR(arguments.MustBe("dynamic_threshold", false));
  arguments.Skip({"use_kl", "rescale_learned_sigmas", "sampler", "var_type", "ema", "ema_rate"});
  return absl::OkStatus();
}

// improved-diffusion's first convolution does not know of a first multiplier.
absl::Status CheckImproved(const OpenaiUnet& unet) {
  if (unet.channels[0] == unet.model_channels && !unet.resblock_updown) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("the weights are not of ", kImproved, ": that has neither residual resampling ",
                   "nor a first level other than ", unet.model_channels, " channels wide"));
}

}  // namespace

absl::StatusOr<ModelPlan> PlanOpenai(const Tensors& tensors, ModelSettings settings) {
  ASSIGN_OR_RETURN(const OpenaiUnet unet, InferOpenaiUnet(tensors));
  ASSIGN_OR_RETURN(const std::string dialect, TellDialect(settings, unet));
  const bool guided = dialect == kGuided;
  if (!guided) RETURN_IF_ERROR(CheckImproved(unet));
  Arguments arguments(std::move(settings.values), dialect);
  int64_t image_size = 0;
  RETURN_IF_ERROR(arguments.Required("image_size", 1, kMaxSide, &image_size));
  RETURN_IF_ERROR(CheckSizes(unet.channels, kNumGroups, image_size));
  RETURN_IF_ERROR(AgreeOnShape(arguments, unet));
  RETURN_IF_ERROR(AgreeOnLevels(arguments, dialect, image_size, unet));
  ASSIGN_OR_RETURN(const OpenaiHeads heads, ReadHeads(arguments, guided, unet));
  ModelPlan plan;
  plan.dialect = dialect;
  plan.image_shape = {unet.in_channels, image_size, image_size};
  plan.learned_variance = unet.out_channels == 2 * unet.in_channels;
  plan.num_classes = static_cast<int>(unet.num_classes);
  RETURN_IF_ERROR(ReadDiffusion(arguments, guided, plan.learned_variance, &plan.scheduler));
  RETURN_IF_ERROR(ReadHoData(arguments, plan));
  nn::UnetConfig config = OpenaiUnetConfig(unet, heads);
  config.sample_size = {image_size, image_size};
  bool rescale = !guided;
  RETURN_IF_ERROR(arguments.Bool("rescale_timesteps", &rescale));
  if (rescale) config.timestep_scale = 1000.0 / plan.scheduler.num_train_timesteps;
  ASSIGN_OR_RETURN(plan.assumptions, arguments.Finish());
  plan.network = std::make_shared<nn::UnetImpl>(config);
  plan.map = OpenaiKeyMap(unet, heads);
  return plan;
}

}  // namespace tweedie
