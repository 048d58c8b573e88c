#include "core/plan/ops/group_norm.h"

#include <algorithm>
#include <utility>

#include "core/plan/ops/bfloat16_kernels.h"
#include "core/plan/ops/kernels.h"
#include "core/plan/ops/norm_statistics.h"

namespace tweedie::plan {
namespace {

class LineMoments final : public Op {
 public:
  explicit LineMoments(std::shared_ptr<const GroupNormOptions> options)
      : options_(std::move(options)) {}
  Action Bind(const Memory& memory) const override {
    const LineSums sums{options_->out.channels, memory.arena + options_->scratch};
    return [o = options_, arena = memory.arena, sums](Part part) {
      const int64_t height = o->out.height;
      for (int64_t line = part.Begin(height); line < part.End(height); ++line) {
        std::fill_n(sums.First(line), 2 * sums.channels, 0.0f);
        int64_t channel = 0;
        for (const Features& in : o->in) {
          const float* x = arena + in.offset;
          AddMoments(x + line * in.line(), in.width, in.channels, x, sums.First(line) + channel,
                     sums.Second(line) + channel);
          channel += in.channels;
        }
      }
    };
  }

 private:
  const std::shared_ptr<const GroupNormOptions> options_;
};

class Normalize final : public Op {
 public:
  explicit Normalize(std::shared_ptr<const GroupNormOptions> options)
      : options_(std::move(options)) {}
  Action Bind(const Memory& memory) const override {
    return [o = options_, memory](Part part) {
      // A part's own, as all make the same.
      thread_local std::vector<float> scale, shift;
      MakeAffine(*o, memory, &scale, &shift);
      const auto apply = o->out.type == Type::kBfloat16 ? ApplyTo<Bfloat16> : ApplyTo<float>;
      apply(*o, memory.arena, part, scale.data(), shift.data());
    };
  }

 private:
  template <typename Out>
  static void ApplyTo(const GroupNormOptions& o, float* arena, Part part, const float* scale,
                      const float* shift) {
    const int64_t begin = part.Begin(o.out.height), end = part.End(o.out.height);
    int64_t channel = 0;
    for (const Features& in : o.in) {
      const float* x = in.At(arena, begin * in.line());
      Out* y = o.out.At<Out>(arena, begin * o.out.line() + channel);
      const int64_t pixels = (end - begin) * in.width;
      o.silu
          ? AffineSilu(x, pixels, in.channels, scale + channel, shift + channel, y, o.out.channels)
          : Affine(x, pixels, in.channels, scale + channel, shift + channel, y, o.out.channels);
      channel += in.channels;
    }
  }

  const std::shared_ptr<const GroupNormOptions> options_;
};

}  // namespace

int64_t GroupNormScratch(const Features& features) {
  return 2 * features.channels * features.height;
}

void AddGroupNorm(GroupNormOptions options, Ops* ops) {
  const auto shared = std::make_shared<const GroupNormOptions>(std::move(options));
  ops->push_back(std::make_unique<LineMoments>(shared));
  ops->push_back(std::make_unique<Normalize>(shared));
}

}  // namespace tweedie::plan
