#ifndef TWEEDIE_CORE_NN_FLOAT32_MODULE_H_
#define TWEEDIE_CORE_NN_FLOAT32_MODULE_H_

#include <torch/nn/module.h>

namespace tweedie::nn {

// A `Base`, which is a torch::nn::Module, whose tensors stay float32 when the network is
// moved to another type: of what is made of timesteps shorter numbers keep too little.
template <typename Base>
class Float32Module : public Base {
 public:
  using Base::Base;
  using Base::to;
  void to(torch::Dtype /*type*/, bool /*non_blocking*/ = false) override {}
  void to(torch::Device device, torch::Dtype /*type*/, bool non_blocking = false) override {
    Base::to(device, non_blocking);
  }
};

}  // namespace tweedie::nn

#endif  // TWEEDIE_CORE_NN_FLOAT32_MODULE_H_
