#ifndef TWEEDIE_SERVER_CONVERT_OPERATOR_PROTO_H_
#define TWEEDIE_SERVER_CONVERT_OPERATOR_PROTO_H_

#include <ATen/core/Tensor.h>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/operators/operator.h"
#include "core/operators/operator_spec.h"
#include "tweedie/v1/operator.pb.h"

namespace tweedie {

// An operator as asked for, but for its tensor (the mask of inpainting or MRI,
// the custom kernel of a blur), which is left undefined. INVALID_ARGUMENT with
// the path from the operator (`kind`, `inpainting.missing`,
// `super_resolution.kernel`) for a kind that is not chosen or an enum value that
// this version does not know; ranges are MakeOperator()'s to check. Thread-safe.
absl::StatusOr<OperatorSpec> ReadOperator(const v1::Operator& proto);

// Reads the operator's tensor, if it has one, into `spec`, which ReadOperator()
// made of the same message. INVALID_ARGUMENT with the path from the operator
// (`inpainting.mask.shape`): not FLOAT32, malformed, not finite, a mask that
// cannot be broadcast to the image, a kernel that is not [k, k].
absl::Status ReadOperatorTensor(const v1::Operator& proto, const ImageShape3& image_shape,
                                OperatorSpec* spec);

// The inverse of ReadOperator(): which tensor there is stays told, its content
// is left out. Thread-safe.
v1::Operator WriteOperator(const OperatorSpec& spec);

// The operator's tensor; null if it has none by its kind.
at::Tensor* TensorOf(OperatorSpec* spec);

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_CONVERT_OPERATOR_PROTO_H_
