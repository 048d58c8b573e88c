#include "client/cli/operator_options.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/cli/local_file.h"
#include "client/cli/operator_files.h"
#include "client/cli/operator_text.h"
#include "client/cli/option_group.h"
#include "core/base/status_macros.h"
#include "google/protobuf/util/json_util.h"

namespace tweedie::cli {
namespace {

absl::StatusOr<v1::Operator> ReadOperator(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string json, ReadLocalFile(path));
  v1::Operator op;
  const auto status = google::protobuf::util::JsonStringToMessage(json, &op);
  if (!status.ok()) return LocalFileError(path, status.message().ToString());
  return op;
}

v1::Operator::SuperResolution MakeSuperResolution(const OperatorOptions& options) {
  v1::Operator::SuperResolution sr;
  sr.set_factor(*options.sr);
  if (options.sr_kernel) {
    sr.set_kernel(*options.sr_kernel == "average" ? v1::Operator::SuperResolution::AVERAGE
                                                  : v1::Operator::SuperResolution::BICUBIC);
  }
  return sr;
}

v1::Operator::Blur::Boundary ToBoundary(const std::string& text) {
  if (text == "circular") return v1::Operator::Blur::CIRCULAR;
  if (text == "zero") return v1::Operator::Blur::ZERO;
  return v1::Operator::Blur::REFLECT;
}

// The names of the operators that were given.
std::vector<std::string> GivenOperators(const OperatorOptions& options) {
  std::vector<std::string> given;
  const auto add = [&given](bool is_given, const char* name) {
    if (is_given) given.push_back(name);
  };
  add(options.identity, "--identity");
  add(options.inpaint_box.has_value(), "--inpaint-box");
  add(options.inpaint_random.has_value(), "--inpaint-random");
  add(options.inpaint_mask.has_value(), "--inpaint-mask");
  add(options.sr.has_value(), "--sr");
  add(options.subsample.has_value(), "--subsample");
  add(options.blur.has_value(), "--blur");
  add(options.mri.has_value(), "--mri");
  add(options.ct.has_value(), "--ct");
  add(options.phase_retrieval.has_value(), "--phase-retrieval");
  add(options.grayscale, "--grayscale");
  add(options.operator_file.has_value(), "--operator");
  return given;
}

absl::Status CheckOptions(const OperatorOptions& options) {
  const std::vector<std::string> given = GivenOperators(options);
  if (given.empty()) {
    return absl::InvalidArgumentError("an operator is required, as --inpaint-box or --blur");
  }
  if (given.size() > 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("exactly one operator is allowed; were ", absl::StrJoin(given, " and ")));
  }
  if (options.sr_kernel && !options.sr) {
    return absl::InvalidArgumentError("--sr-kernel is allowed with --sr only");
  }
  if (options.boundary && !options.blur) {
    return absl::InvalidArgumentError("--boundary is allowed with --blur only");
  }
  if (options.noise && options.poisson) {
    return absl::InvalidArgumentError("--noise and --poisson exclude each other");
  }
  return absl::OkStatus();
}

void AddMoreOptions(CLI::App* command, OperatorOptions* options) {
  OptionGroup more(command, "Operator: more about it");
  more.AddChoice("--sr-kernel", &options->sr_kernel, {"bicubic", "average"},
                 "How --sr makes a pixel; bicubic by default");
  more.AddChoice("--boundary", &options->boundary, {"reflect", "circular", "zero"},
                 "What --blur finds beyond the edges; reflect by default");
  OptionGroup noise(command, "Noise of the measurement, for images in [-1, 1]");
  noise.Add("--noise", &options->noise, "Gaussian, of this standard deviation");
  noise.Add("--poisson", &options->poisson, "Poisson, of this many counts at full intensity");
}

}  // namespace

void AddOperatorOptions(CLI::App* command, OperatorOptions* options) {
  OptionGroup group(command, "Operator: exactly one of");
  group.AddFlag("--identity", &options->identity, "y is the image itself, as for denoising");
  group.Add("--inpaint-box", &options->inpaint_box, "TOP,LEFT,HEIGHT,WIDTH",
            "A rectangle of pixels is missing");
  group.Add("--inpaint-random", &options->inpaint_random,
            "Pixels are missing with this probability");
  group.Add("--inpaint-mask", &options->inpaint_mask, "FILE",
            "A black and white picture, or .npy of 0 and 1: black or 0 is missing");
  group.Add("--sr", &options->sr, "The resolution is lower by this factor");
  group.Add("--subsample", &options->subsample, "Every so many-th pixel is kept");
  group.Add("--blur", &options->blur, "KERNEL",
            "gaussian:SIZE:SIGMA, motion:SIZE[:INTENSITY], random:SIZE (odd sides), or a file\n"
            "of weights: .npy, or .json as [[1, 2, 1], [2, 4, 2], [1, 2, 1]]");
  group.Add("--mri", &options->mri, "FACTORx[:CENTER]",
            "Random columns of k-space beside a full centre, as 4x or 4x:0.08; or a file of\n"
            "a mask, as for --inpaint-mask");
  group.Add("--ct", &options->ct, "ANGLES[:DETECTORS]", "Parallel-beam projections");
  group.AddWithOptionalValue("--phase-retrieval", &options->phase_retrieval, "[PADDING]",
                             "Fourier magnitudes of the image, padded at each side by this part\n"
                             "of it; 0.25 by default");
  group.AddFlag("--grayscale", &options->grayscale, "Colour is lost");
  group.Add("--operator", &options->operator_file, "FILE.json",
            "tweedie.v1.Operator as JSON: all that operator.proto can say");
  AddMoreOptions(command, options);
}

bool HasOperator(const OperatorOptions& options) { return !GivenOperators(options).empty(); }

absl::StatusOr<v1::Operator> MakeOperator(const OperatorOptions& options) {
  RETURN_IF_ERROR(CheckOptions(options));
  if (options.operator_file) return ReadOperator(*options.operator_file);
  v1::Operator op;
  if (options.identity) op.mutable_identity();
  if (options.grayscale) op.mutable_grayscale();
  if (options.sr) *op.mutable_super_resolution() = MakeSuperResolution(options);
  if (options.subsample) op.mutable_subsampling()->set_stride(*options.subsample);
  if (options.inpaint_random) {
    op.mutable_inpainting()->set_random_fraction(*options.inpaint_random);
  }
  if (options.inpaint_box) {
    ASSIGN_OR_RETURN(*op.mutable_inpainting()->mutable_box(), ParseBox(*options.inpaint_box));
  }
  if (options.inpaint_mask) {
    ASSIGN_OR_RETURN(*op.mutable_inpainting()->mutable_mask(), ReadMask(*options.inpaint_mask));
  }
  if (options.blur) {
    ASSIGN_OR_RETURN(*op.mutable_blur(), ParseBlur(*options.blur));
    if (options.boundary) op.mutable_blur()->set_boundary(ToBoundary(*options.boundary));
  }
  if (options.mri) {
    ASSIGN_OR_RETURN(*op.mutable_mri(), ParseMri(*options.mri));
  }
  if (options.ct) {
    ASSIGN_OR_RETURN(*op.mutable_tomography(), ParseTomography(*options.ct));
  }
  if (options.phase_retrieval) {
    ASSIGN_OR_RETURN(*op.mutable_phase_retrieval(), ParsePhaseRetrieval(*options.phase_retrieval));
  }
  return op;
}

std::optional<v1::NoiseModel> MakeNoise(const OperatorOptions& options) {
  v1::NoiseModel noise;
  if (options.noise) noise.set_gaussian_sigma(*options.noise);
  if (options.poisson) noise.mutable_poisson()->set_rate(*options.poisson);
  if (noise.kind_case() == v1::NoiseModel::KIND_NOT_SET) return std::nullopt;
  return noise;
}

}  // namespace tweedie::cli
