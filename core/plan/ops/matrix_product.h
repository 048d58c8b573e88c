#ifndef TWEEDIE_CORE_PLAN_OPS_MATRIX_PRODUCT_H_
#define TWEEDIE_CORE_PLAN_OPS_MATRIX_PRODUCT_H_

#include <cstdint>
#include <functional>
#include <oneapi/dnnl/dnnl.hpp>

#include "core/plan/ops/op.h"

namespace tweedie::plan {

// c = a b, or c += a b, of a [heads, m, k] and b [heads, k, n] with strides of their own, by
// oneDNN. Immutable; thread-safe. Throws dnnl::error.
class MatrixProduct {
 public:
  struct Matrix {
    int64_t rows, columns;
    dnnl::memory::dims strides;  // of heads, rows, columns
    Type type = Type::kFloat32;
  };
  MatrixProduct(int64_t heads, const Matrix& a, const Matrix& b, const Matrix& c,
                bool accumulate = false);

  // Of one workspace, with the places of a, b and c; for one thread at a time.
  using Call = std::function<void(void*, void*, void*)>;
  Call Bind() const;

 private:
  dnnl::matmul::primitive_desc desc_;
  dnnl::matmul primitive_;
};

}  // namespace tweedie::plan

#endif  // TWEEDIE_CORE_PLAN_OPS_MATRIX_PRODUCT_H_
