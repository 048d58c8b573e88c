#ifndef TWEEDIE_TESTS_UNIT_PLAN_OPS_FIXTURE_H_
#define TWEEDIE_TESTS_UNIT_PLAN_OPS_FIXTURE_H_

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "core/plan/arena.h"
#include "core/plan/ops/op.h"

namespace tweedie::plan {

// Heads, numbers of each, height and width.
inline std::vector<std::vector<int64_t>> AttentionShapes() {
  return {{8, 8, 8, 8},
          {3, 8, 7, 5},  // 35 queries, 16 at a time
          {1, 8, 3, 1},
          {1, 64, 16, 16},
          {3, 5, 7, 3},
          {4, 32, 32, 32},
          {2, 7, 36, 32},  // backwards, blocks of 56 queries, the last of 16
          {2, 4, 1, 1},
          // More blocks, and then more heads, than slots.
          {1, 8, 21, 29},
          {2, 16, 27, 31},
          {20, 8, 3, 7},
          {18, 4, 5, 7}};
}

// A workspace: features are put into it, ops run on them, features are taken out.
class OpsTest : public testing::Test {
 protected:
  OpsTest() { at::manual_seed(1); }

  // Of x [1, C, H, W].
  Features Put(const at::Tensor& x, Type type = Type::kFloat32) {
    const Features features = arena_.Take(x.size(1), x.size(2), x.size(3), type);
    puts_.emplace_back(features, RoundedTo(type, x.permute({0, 2, 3, 1}).contiguous()));
    return features;
  }
  Features Put(int64_t channels, int64_t height, int64_t width, Type type = Type::kFloat32) {
    return Put(at::randn({1, channels, height, width}), type);
  }
  // Float32 that numbers of the type have.
  static at::Tensor RoundedTo(Type type, const at::Tensor& x) {
    return type == Type::kBfloat16 ? x.to(at::kBFloat16).to(at::kFloat) : x;
  }
  at::Tensor Given(const Features& features) const {
    for (const auto& [where, values] : puts_) {
      if (where.offset == features.offset) return values.permute({0, 3, 1, 2});
    }
    return {};
  }
  // What `ops` make of all that was put, in `out`, by a team.
  at::Tensor Run(const Ops& ops, const Features& out, int team) {
    const at::Tensor memory = at::zeros({arena_.size() + 16}, at::kFloat);
    float* arena = memory.mutable_data_ptr<float>();
    arena += (64 - reinterpret_cast<uintptr_t>(arena) % 64) % 64 / sizeof(float);
    for (const auto& [where, values] : puts_) View(where, arena).copy_(values);
    for (const auto& op : ops) {
      Action action = op->Bind({arena, &row_});
      for (int i = team - 1; i >= 0; --i) action({i, team});
    }
    return View(out, arena).to(at::kFloat).clone().permute({0, 3, 1, 2});
  }
  static at::Tensor View(const Features& features, float* arena) {
    const bool rounded = features.type == Type::kBfloat16;
    return at::from_blob(features.At(arena),
                         {1, features.height, features.width, features.channels},
                         rounded ? at::kBFloat16 : at::kFloat);
  }
  // The same bits by teams of any size, and `expected` to rounding.
  void Expect(const Ops& ops, const Features& out, const at::Tensor& expected,
              double tolerance = 3e-6) {
    const at::Tensor alone = Run(ops, out, 1);
    const double error = alone.sub(expected).abs().max().item<double>();
    EXPECT_LT(error, tolerance * expected.abs().max().item<double>());
    for (const int team : {2, 3, 5, 16, 40})
      EXPECT_TRUE(at::equal(Run(ops, out, team), alone)) << team;
  }
  static Ops One(std::unique_ptr<const Op> op) {
    Ops ops;
    ops.push_back(std::move(op));
    return ops;
  }

  Arena arena_;
  Row row_;

 private:
  std::vector<std::pair<Features, at::Tensor>> puts_;
};

}  // namespace tweedie::plan

#endif  // TWEEDIE_TESTS_UNIT_PLAN_OPS_FIXTURE_H_
