#ifndef TWEEDIE_CORE_METHODS_METHOD_H_
#define TWEEDIE_CORE_METHODS_METHOD_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "absl/status/status.h"

namespace tweedie {

// Rows that a method waits for.
struct Query {
  at::Tensor x;             // [n, C, H, W]
  at::Tensor class_labels;  // [n], int64; undefined if there are none
  int timestep = 0;         // one for all n rows
  // Whether Advance() wants the gradient of GuidanceLoss() with respect to x.
  bool needs_gradient = false;
};

// Rows [first_row, first_row + n) of a query, as the network has just evaluated
// them, the graph from x to the prediction kept.
struct GuidanceRows {
  int64_t first_row = 0;
  at::Tensor x;           // [n, C, H, W]
  at::Tensor prediction;  // [n, C', H, W]
};

// What the network says to a query.
struct Evaluation {
  at::Tensor x;           // the query's
  at::Tensor prediction;  // [n, C', H, W]
  // Of GuidanceLoss() with respect to x, [n, C, H, W]; undefined unless the query
  // asked for it.
  at::Tensor gradient;
};

// How far a method is.
struct MethodProgress {
  int step = 0;       // steps made
  int num_steps = 0;  // in all
  int timestep = 0;   // of the last evaluation
};

// Enough to go on elsewhere, to the same bits. Noise needs nothing: it is a
// function of the step.
struct MethodState {
  int64_t step = 0;
  std::map<std::string, at::Tensor> tensors;
};

// One job's reverse process, as a state machine: the caller evaluates
// NextQuery() in whatever batch it likes, then calls Advance(). Takes no lock
// and draws noise only by Normals(), so its result does not depend on which
// jobs shared its batches. Arithmetic on rows uses single, correctly rounded
// operations (no fused `alpha`), so that a row's bits do not depend on its
// place in the batch.
class Method {
 public:
  virtual ~Method() = default;
  // What must be evaluated next, or nullopt when the job is finished.
  virtual std::optional<Query> NextQuery() const = 0;
  // One scalar a row, [n], differentiable in `rows.x` and of each row alone.
  // Called while a query that `needs_gradient` is evaluated, by several threads
  // at once, for some of its rows at a time; never beside Advance().
  virtual at::Tensor GuidanceLoss(const GuidanceRows& rows) const;
  // Makes one step. On error the state is unchanged and the job fails;
  // ReasonOf() (failure.h) names why.
  virtual absl::Status Advance(const Evaluation& e) = 0;
  virtual MethodProgress progress() const = 0;
  // The state [n, C, H, W]; the result, once finished.
  virtual const at::Tensor& x() const = 0;
  // The latest estimate of the clean images; x() before the first step.
  virtual const at::Tensor& x0_hat() const = 0;
  virtual MethodState Save() const = 0;
};

}  // namespace tweedie

#endif  // TWEEDIE_CORE_METHODS_METHOD_H_
