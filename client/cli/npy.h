#ifndef TWEEDIE_CLIENT_CLI_NPY_H_
#define TWEEDIE_CLIENT_CLI_NPY_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tweedie/v1/tensor.pb.h"

namespace tweedie::cli {

// A dense array in row-major order.
struct Array {
  std::vector<int64_t> shape;
  std::vector<float> values;
};

// Reads NumPy's .npy format (versions 1 to 3) of little-endian float32 or
// float64, which is rounded, or complex64 or complex128, whose real and
// imaginary parts become a last dimension of 2. INVALID_ARGUMENT for anything
// else: other types, Fortran order, a size that the file does not have, values
// that are not finite. No input crashes.
absl::StatusOr<Array> DecodeNpy(absl::string_view bytes);

// The same of a file; the error names it.
absl::StatusOr<Array> ReadNpyFile(const std::string& path);

// A .npy file of float32. `values` must be as many as `shape` says.
std::string EncodeNpy(const Array& array);

// The same values.
v1::Tensor ToTensor(const Array& array);

// The values of a float32 tensor. INTERNAL if it is none, or its size is not
// its shape's.
absl::StatusOr<Array> ToArray(const v1::Tensor& tensor);

}  // namespace tweedie::cli

#endif  // TWEEDIE_CLIENT_CLI_NPY_H_
