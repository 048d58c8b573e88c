#include "core/plan/ops/matrix_product.h"

#include "core/plan/ops/onednn.h"

namespace tweedie::plan {

using dnnl::memory;

MatrixProduct::MatrixProduct(int64_t heads, const Matrix& a, const Matrix& b, const Matrix& c,
                             bool accumulate) {
  const auto desc = [heads](const Matrix& m) {
    return memory::desc({heads, m.rows, m.columns}, DataType(m.type), m.strides);
  };
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  dnnl::post_ops then;
  if (accumulate) then.append_sum(1.0f);
  attributes.set_post_ops(then);
  desc_ = dnnl::matmul::primitive_desc(Engine(), desc(a), desc(b), desc(c), attributes);
  primitive_ = dnnl::matmul(desc_);
}

MatrixProduct::Call MatrixProduct::Bind() const {
  memory a(desc_.src_desc(), Engine(), DNNL_MEMORY_NONE);
  memory b(desc_.weights_desc(), Engine(), DNNL_MEMORY_NONE);
  memory c(desc_.dst_desc(), Engine(), DNNL_MEMORY_NONE);
  BoundCall call(primitive_, {{DNNL_ARG_SRC, a},
                              {DNNL_ARG_WEIGHTS, b},
                              {DNNL_ARG_DST, c},
                              {DNNL_ARG_SCRATCHPAD, memory(desc_.scratchpad_desc(), Engine())}});
  return [call](void* at_a, void* at_b, void* at_c) mutable {
    call.Place(DNNL_ARG_SRC, at_a);
    call.Place(DNNL_ARG_WEIGHTS, at_b);
    call.Place(DNNL_ARG_DST, at_c);
    call();
  };
}

}  // namespace tweedie::plan
