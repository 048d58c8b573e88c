#include "core/plan/plan_writer.h"

#include <ATen/ATen.h>

#include "core/plan/ops/attention.h"
#include "core/plan/ops/attention_gradient.h"
#include "core/plan/ops/group_norm_gradient.h"
#include "core/plan/ops/move_gradients.h"
#include "core/plan/ops/moves.h"

namespace tweedie::plan {
namespace {

void RewindNorm(const GroupNormOptions& norm, GradientTape& tape) {
  GroupNormGradientOptions gradient{.norm = norm, .out = tape.Take(norm.out), .in = {}};
  // Of one piece to which nobody has added, in the place of that of the result.
  const bool in_place = norm.in.size() == 1 && !tape.Has(norm.in[0]);
  if (in_place) tape.Pass(gradient.out, norm.in[0]);
  for (const Features& in : norm.in) {
    const auto [features, accumulate] = tape.Into(in);
    gradient.in.push_back({features, accumulate && !in_place});
  }
  gradient.scratch = tape.memory().TakeScratch(GroupNormScratch(norm.out));
  AddGroupNormGradient(gradient, &tape.ops());
  tape.memory().ReleaseScratch(gradient.scratch);
  if (!in_place) tape.memory().Release(gradient.out);
  for (const Features& in : norm.in) tape.memory().Release(in);
  tape.memory().ReleaseScratch(norm.scratch);
}

}  // namespace

Features Joined(const Pieces& pieces) {
  Features joined = pieces[0];
  for (size_t i = 1; i < pieces.size(); ++i) joined.channels += pieces[i].channels;
  return joined;
}

PlanWriter::PlanWriter(const Options& options) : options_(options) {
  if (!options.gradients) return;
  TORCH_CHECK(options.factors == Type::kFloat32, "gradients are planned in float32 alone");
  tape_ = std::make_unique<GradientTape>(&memory_);
}

PlanWriter::Written PlanWriter::Finish() {
  Written written;
  if (tape_ != nullptr) written.gradient_ops = tape_->Rewind();
  written.ops = std::move(ops_);
  written.arena_floats = memory_.size();
  return written;
}

// --- Moves -------------------------------------------------------------------

void PlanWriter::Input(const Features& out, float factor, float shift) {
  Append(MakeInput(out, factor, shift));
  Record([=](GradientTape& tape) {
    const Features gradient = tape.Take(out);
    tape.Append(MakeInputGradient(gradient, factor));
    tape.memory().Release(gradient);
  });
}

void PlanWriter::Output(const Features& in, int64_t divisor) {
  Append(MakeOutput(in, divisor));
  Record([=](GradientTape& tape) {
    tape.Append(MakeOutputGradient(tape.Into(in).features, divisor));
  });
}

void PlanWriter::Join(const Pieces& pieces, const Features& out) {
  Append(MakeJoin(pieces, out));
  Record([=](GradientTape& tape) {
    const Features gradient = tape.Take(out);
    int64_t first = 0;
    for (const Features& piece : pieces) {
      const auto [features, accumulate] = tape.Into(piece);
      tape.Append(MakeSlice(gradient, first, features, accumulate));
      first += piece.channels;
    }
    tape.memory().Release(gradient);
  });
}

void PlanWriter::Scale(const Features& features, float factor) {
  Append(MakeScale(features, factor));
  Record([=](GradientTape& tape) { tape.Append(MakeScale(tape.Get(features), factor)); });
}

Features PlanWriter::Upsampled(const Features& x) {
  return Moved(x, New(x.channels, 2 * x.height, 2 * x.width), MakeUpsample, MakeSumPool);
}

Features PlanWriter::Pooled(const Features& x) {
  return Moved(x, New(x.channels, x.height / 2, x.width / 2), MakeAveragePool, MakeSpread);
}

Features PlanWriter::Moved(const Features& x, const Features& out, Move move, MoveBack back) {
  Append(move(x, out));
  Record([=](GradientTape& tape) {
    const Features gradient = tape.Take(out);
    const auto [features, accumulate] = tape.Into(x);
    tape.Append(back(gradient, features, accumulate));
    tape.memory().Release(gradient);
  });
  return out;
}

Features PlanWriter::Factor(const Pieces& pieces) {
  if (pieces.size() == 1 && pieces[0].type == options_.factors) {
    Keep(pieces[0]);
    return pieces[0];
  }
  const Features whole = Joined(pieces);
  const Features out = New(whole.channels, whole.height, whole.width, options_.factors);
  Join(pieces, out);
  return out;
}

// --- Norms and attention -----------------------------------------------------

Features PlanWriter::Norm(Normed n) {
  const Features whole = Joined(n.in);
  const Features out = New(whole.channels, whole.height, whole.width, n.type);
  const GroupNormOptions norm{.in = n.in,
                              .out = out,
                              .num_groups = n.num_groups,
                              .eps = options_.norm_eps,
                              .gamma = std::move(n.gamma),
                              .beta = std::move(n.beta),
                              .time_scale = n.time_scale,
                              .silu = n.silu,
                              .scratch = memory_.TakeScratch(GroupNormScratch(out))};
  AddGroupNorm(norm, &ops_);
  if (!gradients()) {
    memory_.ReleaseScratch(norm.scratch);
    return out;
  }
  for (const Features& in : n.in) Keep(in);
  Record([norm](GradientTape& tape) { RewindNorm(norm, tape); });
  return out;
}

Features PlanWriter::Attend(const Features& qkv, int64_t heads, int64_t head_dim) {
  const Features out = New(heads * head_dim, qkv.height, qkv.width, options_.factors);
  AttentionOptions attention{.in = qkv, .out = out, .heads = heads, .head_dim = head_dim};
  attention.scratch = memory_.TakeScratch(AttentionScratch(attention));
  Append(MakeAttention(attention));
  memory_.ReleaseScratch(attention.scratch);
  if (!gradients()) return out;
  Keep(qkv);
  Record([attention](GradientTape& tape) {
    AttentionGradientOptions gradient{.attention = attention,
                                      .out = tape.Take(attention.out),
                                      .in = tape.Into(attention.in).features};
    gradient.scratch = tape.memory().TakeScratch(AttentionGradientScratch(attention));
    tape.Append(MakeAttentionGradient(gradient));
    tape.memory().ReleaseScratch(gradient.scratch);
    tape.memory().Release(gradient.out);
    tape.memory().Release(attention.in);
  });
  return out;
}

}  // namespace tweedie::plan
