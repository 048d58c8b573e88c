#include "server/runner/watched_operator.h"

#include <utility>
#include <vector>

namespace tweedie {
namespace {

class WatchedOperator final : public LinearOperator {
 public:
  // `A` is linear and has no spectrum.
  WatchedOperator(std::shared_ptr<const Operator> A, std::shared_ptr<OperatorUses> uses)
      : A_(std::move(A)), uses_(std::move(uses)) {}

  at::Tensor Forward(const at::Tensor& x) const override {
    ++*uses_;
    return A_->Forward(x);
  }
  at::Tensor Adjoint(const at::Tensor& y) const override {
    ++*uses_;
    return A_->linear()->Adjoint(y);
  }
  std::vector<int64_t> output_shape() const override { return A_->output_shape(); }
  at::Tensor measured() const override { return A_->measured(); }

 private:
  const std::shared_ptr<const Operator> A_;
  const std::shared_ptr<OperatorUses> uses_;
};

}  // namespace

std::shared_ptr<const Measurement> WatchOperator(std::shared_ptr<const Measurement> measurement,
                                                 const std::shared_ptr<OperatorUses>& uses) {
  if (measurement == nullptr) return measurement;
  const LinearOperator* const linear = measurement->A->linear();
  if (linear == nullptr || linear->spectrum() != nullptr) return measurement;
  Measurement watched = *measurement;
  watched.A = std::make_shared<WatchedOperator>(measurement->A, uses);
  return std::make_shared<const Measurement>(std::move(watched));
}

}  // namespace tweedie
