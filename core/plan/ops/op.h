#ifndef TWEEDIE_CORE_PLAN_OPS_OP_H_
#define TWEEDIE_CORE_PLAN_OPS_OP_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace tweedie::plan {

// The share of one thread in an operation that `count` threads do together. Ops
// split their output by lines of the image (or by other units of which none
// depends on another), so that bits do not depend on `count`.
struct Part {
  int index = 0;
  int count = 1;

  // The first of `items` that is this part's; that of the next is the end.
  int64_t Begin(int64_t items) const { return items * index / count; }
  int64_t End(int64_t items) const { return items * (index + 1) / count; }
};

// One image on its way through a plan. Not owned.
struct Row {
  const float* x = nullptr;     // [C, H, W]
  const float* time = nullptr;  // what TimeVectors made of its timestep and label
  float* out = nullptr;         // [C', H, W]
  // For the backward pass: the derivative of a loss by `out`, and by `x` through `out`.
  const float* out_gradient = nullptr;  // [C', H, W]
  float* x_gradient = nullptr;          // [C, H, W]
};

// What an operation does, with its memory known. Called by the threads of one team,
// each with its part.
using Action = std::function<void(Part)>;

// Where the values of one workspace lie: `arena` is 64-byte aligned and as large as
// the plan says, `row` changes between images. Both outlive the actions.
struct Memory {
  float* arena = nullptr;
  const Row* row = nullptr;
};

// One step of a plan. Immutable, shared by workspaces; thread-safe.
class Op {
 public:
  virtual ~Op() = default;
  virtual Action Bind(const Memory& memory) const = 0;
};

// All parts of an op are done before the next begins.
using Ops = std::vector<std::unique_ptr<const Op>>;

enum class Type { kFloat32, kBfloat16 };

// The upper half of a float32.
struct Bfloat16 {
  uint16_t bits;
};

// Features [height, width, channels] in the arena, channels innermost.
struct Features {
  int64_t offset = 0;  // floats
  int64_t channels = 0, height = 0, width = 0;
  Type type = Type::kFloat32;
  int id = 0;  // of its plan: places are given to several, one after the other

  int64_t pixels() const { return height * width; }
  // Values.
  int64_t size() const { return channels * pixels(); }
  int64_t line() const { return channels * width; }
  // Of the arena.
  int64_t floats() const { return type == Type::kBfloat16 ? (size() + 1) / 2 : size(); }

  // The value at `index`, of features of T's type.
  template <typename T = float>
  T* At(float* arena, int64_t index = 0) const {
    return reinterpret_cast<T*>(arena + offset) + index;
  }
};

}  // namespace tweedie::plan

#endif  // TWEEDIE_CORE_PLAN_OPS_OP_H_
