#ifndef TWEEDIE_TESTS_UNIT_OPERATORS_OPERATOR_CASES_H_
#define TWEEDIE_TESTS_UNIT_OPERATORS_OPERATOR_CASES_H_

#include <ATen/core/Tensor.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "core/operators/operator.h"
#include "core/operators/operator_spec.h"

namespace tweedie {

// One operator on images of one shape.
struct OperatorCase {
  std::string name;
  OperatorSpec spec;
  ImageShape3 shape;
  bool random = false;  // whether the seed matters
};

inline void PrintTo(const OperatorCase& test, std::ostream* out) { *out << test.name; }

inline std::string CaseName(const testing::TestParamInfo<OperatorCase>& info) {
  return info.param.name;
}

// Every variant of every operator, on images of even, odd, square and oblong
// shapes of one to three channels.
std::vector<OperatorCase> AllOperators();
// Those that are linear, and those of them with and without a spectrum.
std::vector<OperatorCase> LinearOperators();
std::vector<OperatorCase> SpectralOperators();
std::vector<OperatorCase> OtherLinearOperators();

// A case's operator, which must be made.
std::shared_ptr<const Operator> MakeCase(const OperatorCase& test, uint64_t seed = 5);

// Fixed normals [n, shape...], in float64 but of float32 values.
at::Tensor SomeNormals(int64_t n, at::IntArrayRef shape, uint64_t seed);

// The matrix of a linear map on `shape`, float64, of which column i is the
// flattened map of the i-th unit vector.
template <typename LinearMap>
at::Tensor DenseMatrix(at::IntArrayRef shape, const LinearMap& map);

at::Tensor DenseMatrix(const LinearOperator& A, const ImageShape3& shape);

// All unit vectors of `shape`, float64 [n, shape...].
at::Tensor UnitVectors(at::IntArrayRef shape);

template <typename LinearMap>
at::Tensor DenseMatrix(at::IntArrayRef shape, const LinearMap& map) {
  return map(UnitVectors(shape)).flatten(1).t().contiguous();
}

}  // namespace tweedie

#endif  // TWEEDIE_TESTS_UNIT_OPERATORS_OPERATOR_CASES_H_
