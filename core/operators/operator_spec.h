#ifndef TWEEDIE_CORE_OPERATORS_OPERATOR_SPEC_H_
#define TWEEDIE_CORE_OPERATORS_OPERATOR_SPEC_H_

#include <ATen/core/Tensor.h>

#include <optional>
#include <variant>

namespace tweedie {

// Forward operators as asked for; operator.proto says what each does. Tensors
// are float32. MakeOperator() (make_operator.h) checks them.

struct IdentitySpec {};

struct InpaintingSpec {
  struct Box {
    int top = 0, left = 0, height = 0, width = 0;  // what is missing, in pixels
  };
  struct Random {
    double fraction = 0;  // of pixels missing, in [0, 1)
  };
  // at::Tensor: 1 where kept, 0 where missing, broadcastable to [C, H, W].
  std::variant<at::Tensor, Box, Random> missing;
};

struct SuperResolutionSpec {
  enum class Kernel { kBicubic, kAverage };
  int factor = 2;
  Kernel kernel = Kernel::kBicubic;
};

struct SubsamplingSpec {
  int stride = 2;
};

struct BlurSpec {
  enum class Boundary { kReflect, kCircular, kZero };
  struct Gaussian {
    int size = 0;
    double sigma = 0;
  };
  struct Motion {
    int size = 0;
    double intensity = 0.5;
  };
  struct Random {
    int size = 0;
  };
  // at::Tensor: [k, k], used as given.
  std::variant<at::Tensor, Gaussian, Motion, Random> kernel;
  Boundary boundary = Boundary::kReflect;
};

struct MriSpec {
  struct RandomColumns {
    double acceleration = 0;
    // Unset: DefaultCenterFraction() (mri.h).
    std::optional<double> center_fraction = std::nullopt;
  };
  // at::Tensor: 1 where measured, broadcastable to [H, W].
  std::variant<at::Tensor, RandomColumns> sampling;
};

struct TomographySpec {
  int num_angles = 0;
  int num_detectors = 0;  // 0: ceil(sqrt(H^2 + W^2))
};

struct PhaseRetrievalSpec {
  double padding = 0.25;
};

struct GrayscaleSpec {};

using OperatorSpec =
    std::variant<IdentitySpec, InpaintingSpec, SuperResolutionSpec, SubsamplingSpec, BlurSpec,
                 MriSpec, TomographySpec, PhaseRetrievalSpec, GrayscaleSpec>;

}  // namespace tweedie

#endif  // TWEEDIE_CORE_OPERATORS_OPERATOR_SPEC_H_
