#include "core/plan/ops/convolution.h"

#include <algorithm>
#include <oneapi/dnnl/dnnl.hpp>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/plan/ops/onednn.h"
#include "core/plan/ops/winograd.h"

namespace tweedie::plan {
namespace {

using dnnl::memory;
using Desc = dnnl::convolution_forward::primitive_desc;
using Arguments = std::unordered_map<int, memory>;

// The features of an addition.
constexpr int kPlus = DNNL_ARG_ATTR_MULTIPLE_POST_OP(0) | DNNL_ARG_SRC_1;

// A block costs a call of a microsecond or two.
int BlocksOf(int64_t height) {
  if (height < 2) return 1;
  return height < 64 ? 2 : height < 128 ? 4 : 8;
}

memory::desc Plain(memory::dims dims, memory::format_tag tag, Type type = Type::kFloat32) {
  return memory::desc(std::move(dims), DataType(type), tag);
}

// The lines of output that a block has, and those of input that it reads.
struct Lines {
  int64_t out_begin, out_end;
  int64_t in_begin, in_end;
  int64_t pad_above, pad_below;
};

Lines LinesOf(const ConvolutionOptions& o, Part block) {
  Lines lines;
  lines.out_begin = block.Begin(o.out.height);
  lines.out_end = block.End(o.out.height);
  const int64_t first = lines.out_begin * o.stride - o.pad[0];
  const int64_t end = (lines.out_end - 1) * o.stride - o.pad[0] + o.kernel;
  lines.in_begin = std::max<int64_t>(first, 0);
  lines.in_end = std::min(end, o.in.height);
  lines.pad_above = lines.in_begin - first;
  lines.pad_below = end - lines.in_end;
  return lines;
}

class Convolution final : public Op {
 public:
  explicit Convolution(const ConvolutionOptions& options)
      : options_(options), has_own_bias_(options.bias != nullptr) {
    const int count = BlocksOf(options.out.height);
    AddBlock({0, count}, Weights(memory::format_tag::any, options.in.type));
    for (int i = 1; i < count; ++i) AddBlock({i, count}, Layout());
    weights_ = PackOnce(options.packed, options.name, Layout(), [this] { return PackWeights(); });
    if (has_own_bias_) CopyBias();
    options_.weights = options_.bias = nullptr;  // the caller's
    options_.packed = nullptr;
  }

  Action Bind(const Memory& to) const override {
    std::vector<BoundCall> calls;
    for (const Block& block : blocks_) {
      calls.push_back(BoundCall(block.primitive, BindBlock(block, to)));
    }
    return [this, calls = std::move(calls), row = to.row](Part part) mutable {
      const auto count = static_cast<int64_t>(calls.size());
      for (int64_t i = part.Begin(count); i < part.End(count); ++i) {
        if (options_.time_bias >= 0) {
          float* bias = const_cast<float*>(row->time + options_.time_bias);
          calls[i].Place(DNNL_ARG_BIAS, bias);
        }
        calls[i]();
      }
    };
  }

 private:
  struct Block {
    Lines lines;
    Desc desc;
    dnnl::convolution_forward primitive;
  };

  bool has_bias() const { return has_own_bias_ || options_.time_bias >= 0; }

  memory::desc Weights(memory::format_tag tag, Type type = Type::kFloat32) const {
    const ConvolutionOptions& o = options_;
    return Plain({o.out.channels, o.in.channels, o.kernel, o.kernel}, tag, type);
  }

  void AddBlock(Part part, const memory::desc& weights) {
    const Lines lines = LinesOf(options_, part);
    const Desc desc = MakeDesc(lines, weights);
    blocks_.push_back({lines, desc, dnnl::convolution_forward(desc)});
  }

  Desc MakeDesc(const Lines& lines, const memory::desc& weights) const {
    const ConvolutionOptions& o = options_;
    const auto features = [](const Features& f, int64_t height) {
      return Plain({1, f.channels, height, f.width}, memory::format_tag::nhwc, f.type);
    };
    const memory::desc in = features(o.in, lines.in_end - lines.in_begin);
    const memory::desc out = features(o.out, lines.out_end - lines.out_begin);
    const memory::desc bias =
        has_bias() ? Plain({o.out.channels}, memory::format_tag::x) : memory::desc();
    const int64_t pad_right = (o.out.width - 1) * o.stride - o.pad[1] + o.kernel - o.in.width;
    return Desc(Engine(), dnnl::prop_kind::forward_inference, dnnl::algorithm::convolution_direct,
                in, weights, bias, out, {o.stride, o.stride}, {lines.pad_above, o.pad[1]},
                {lines.pad_below, pad_right}, Attributes(out));
  }

  dnnl::primitive_attr Attributes(const memory::desc& out) const {
    dnnl::primitive_attr attributes;
    attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    dnnl::post_ops then;
    if (options_.accumulate) then.append_sum(1.0f);
    if (options_.plus) then.append_binary(dnnl::algorithm::binary_add, out);
    attributes.set_post_ops(then);
    return attributes;
  }

  memory::desc Layout() const { return blocks_[0].desc.weights_desc(); }

  memory PackWeights() const {
    memory plain(Weights(memory::format_tag::oihw), Engine(), const_cast<float*>(options_.weights));
    memory packed(Layout(), Engine());
    dnnl::reorder(plain, packed).execute(Stream(), plain, packed);
    return packed;
  }

  void CopyBias() {
    bias_ = memory(blocks_[0].desc.bias_desc(), Engine());
    std::copy_n(options_.bias, options_.out.channels, static_cast<float*>(bias_.get_data_handle()));
  }

  Arguments BindBlock(const Block& block, const Memory& to) const {
    const auto at = [&to](const Features& f, int64_t line) -> void* {
      if (f.type == Type::kFloat32) return f.At(to.arena, line * f.line());
      return f.At<Bfloat16>(to.arena, line * f.line());
    };
    const Desc& desc = block.desc;
    const int64_t first = block.lines.out_begin;
    Arguments arguments = {
        {DNNL_ARG_SRC, memory(desc.src_desc(), Engine(), at(options_.in, block.lines.in_begin))},
        {DNNL_ARG_WEIGHTS, weights_},
        {DNNL_ARG_DST, memory(desc.dst_desc(), Engine(), at(options_.out, first))},
        {DNNL_ARG_SCRATCHPAD, memory(desc.scratchpad_desc(), Engine())}};
    if (options_.plus) {
      arguments[kPlus] = memory(desc.dst_desc(), Engine(), at(*options_.plus, first));
    }
    if (options_.time_bias >= 0) {
      arguments[DNNL_ARG_BIAS] = memory(desc.bias_desc(), Engine(), DNNL_MEMORY_NONE);
    } else if (has_own_bias_) {
      arguments[DNNL_ARG_BIAS] = bias_;
    }
    return arguments;
  }

  ConvolutionOptions options_;
  const bool has_own_bias_;
  std::vector<Block> blocks_;
  memory weights_, bias_;
};

}  // namespace

std::unique_ptr<const Op> MakeConvolution(const ConvolutionOptions& options) {
  if (WinogradTile(options) > 0) return MakeWinogradConvolution(options);
  return std::make_unique<Convolution>(options);
}

}  // namespace tweedie::plan
