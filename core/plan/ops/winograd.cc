#include "core/plan/ops/winograd.h"

#include <algorithm>
#include <array>
#include <map>
#include <oneapi/dnnl/dnnl.hpp>
#include <utility>
#include <vector>

#include "core/plan/ops/aligned_floats.h"
#include "core/plan/ops/matrix_product.h"
#include "core/plan/ops/winograd_kernels.h"
#include "core/plan/ops/winograd_weights.h"

namespace tweedie::plan {
namespace {

using dnnl::memory;

// The parts of a block's tiles, before and after the products: so many floats stay in a core's
// second cache.
constexpr int64_t kBlockFloats = int64_t{1} << 18;
// With fewer tiles in a block, each weight is read for too few products.
constexpr int64_t kLeastTiles = 32;

// A thread's own memory for one block, as large as it has ever been asked for.
float* Scratch(int64_t floats) {
  thread_local AlignedFloats scratch;
  thread_local int64_t size = 0;
  if (floats > size) {
    scratch = NewAlignedFloats(floats);
    size = floats;
  }
  return scratch.get();
}

class Winograd final : public Op {
 public:
  explicit Winograd(const ConvolutionOptions& options)
      : options_(options),
        zeros_(std::max(options.in.channels, options.out.channels)),
        tile_(WinogradTile(options)) {
    const int64_t tiles = lines() * tiles_of_line();
    const int64_t of_tile = parts() * (options.in.channels + options.out.channels);
    const int64_t fit = std::max<int64_t>(kBlockFloats / of_tile, kLeastTiles);
    blocks_ = std::clamp<int64_t>(tiles / fit, 1, lines());
    if (blocks_ == 1 && tiles >= 2 * kLeastTiles) blocks_ = 2;
    slices_ = blocks_ == 1 && options.out.channels % 32 == 0 ? 2 : 1;
    weights_ = WinogradWeights(options, tile_, slices_);
    if (options.bias != nullptr) bias_.assign(options.bias, options.bias + options.out.channels);
    for (int64_t block = 0; block < blocks_; ++block) AddProduct(TilesOf(block));
    options_.weights = options_.bias = nullptr;  // the caller's
    options_.packed = nullptr;
  }

  Action Bind(const Memory& to) const override {
    std::vector<MatrixProduct::Call> products;
    for (int64_t i = 0; i < blocks_ * slices_; ++i) {
      products.push_back(products_.at(TilesOf(i / slices_)).Bind());
    }
    return [this, to, products = std::move(products)](Part part) {
      const auto count = static_cast<int64_t>(products.size());
      const int64_t begin = part.Begin(count);
      for (int64_t i = begin; i < part.End(count); ++i) {
        if (i == begin || i % slices_ == 0) Read(to.arena, i / slices_);
        Compute(to, i, products[i]);
      }
    };
  }

 private:
  int64_t parts() const { return WinogradParts(tile_); }         // of a tile
  int64_t lines() const { return options_.out.height / tile_; }  // of tiles
  int64_t tiles_of_line() const { return options_.out.width / tile_; }
  int64_t slice() const { return options_.out.channels / slices_; }  // channels of one
  Part Block(int64_t block) const { return {static_cast<int>(block), static_cast<int>(blocks_)}; }
  int64_t TilesOf(int64_t block) const {
    return (Block(block).End(lines()) - Block(block).Begin(lines())) * tiles_of_line();
  }

  void AddProduct(int64_t tiles) {
    if (products_.count(tiles) > 0) return;
    const int64_t in = options_.in.channels;
    products_.emplace(tiles, MatrixProduct(parts(), {tiles, in, {tiles * in, in, 1}},
                                           {in, slice(), {in * slice(), slice(), 1}},
                                           {tiles, slice(), {tiles * slice(), slice(), 1}}));
  }

  // The parts of a block before the products, and behind them those after.
  float* PartsOf(int64_t block) const {
    return Scratch(parts() * TilesOf(block) * (options_.in.channels + slice()));
  }

  void Read(float* arena, int64_t block) const {
    float* parts = PartsOf(block);
    const int64_t stride = TilesOf(block) * options_.in.channels;
    for (int64_t line = Block(block).Begin(lines()); line < Block(block).End(lines()); ++line) {
      ReadLine(arena, line, stride, parts);
      parts += tiles_of_line() * options_.in.channels;
    }
  }

  // One slice of the channels of one block, which has been read.
  void Compute(const Memory& to, int64_t item, const MatrixProduct::Call& product) const {
    const int64_t block = item / slices_, first_channel = item % slices_ * slice();
    float* in = PartsOf(block);
    float* out = in + parts() * TilesOf(block) * options_.in.channels;
    const auto* weights = static_cast<float*>(weights_.get_data_handle()) +
                          first_channel * parts() * options_.in.channels;
    product(in, const_cast<float*>(weights), out);
    for (int64_t line = Block(block).Begin(lines()); line < Block(block).End(lines()); ++line) {
      WriteLine(to, line, {out, TilesOf(block) * slice()}, first_channel);
      out += tiles_of_line() * slice();
    }
  }

  // The parts of the tiles of one line of them.
  void ReadLine(float* arena, int64_t line, int64_t stride, float* parts) const {
    const Features& in = options_.in;
    WinogradInput input{.tile = tile_,
                        .lines = {},
                        .zeros = zeros_.data(),
                        .width = in.width,
                        .channels = in.channels,
                        .parts = parts,
                        .stride = stride};
    for (int64_t i = 0; i < WinogradSide(tile_); ++i) {
      const int64_t at = tile_ * line - 1 + i;
      input.lines[i] = at < 0 || at >= in.height ? nullptr : in.At(arena, at * in.line());
    }
    TransformInput(input);
  }

  struct Parts {
    const float* begin;
    int64_t stride;
  };
  void WriteLine(const Memory& to, int64_t line, Parts parts, int64_t first_channel) const {
    const Features& out = options_.out;
    WinogradOutput output{.tile = tile_,
                          .parts = parts.begin,
                          .stride = parts.stride,
                          .width = out.width,
                          .channels = slice(),
                          .pixel = out.channels,
                          .bias = BiasOf(to) + first_channel,
                          .plus = {},
                          .lines = {}};
    for (int64_t i = 0; i < tile_; ++i) {
      const int64_t at = (tile_ * line + i) * out.line() + first_channel;
      output.lines[i] = out.At(to.arena, at);
      if (options_.accumulate) output.plus[i] = output.lines[i];
      if (options_.plus) output.plus[i] = options_.plus->At(to.arena, at);
    }
    TransformOutput(output);
  }

  const float* BiasOf(const Memory& to) const {
    if (options_.time_bias >= 0) return to.row->time + options_.time_bias;
    return bias_.empty() ? zeros_.data() : bias_.data();
  }

  ConvolutionOptions options_;
  const std::vector<float> zeros_;
  const int64_t tile_;  // the side of one
  std::vector<float> bias_;
  int64_t blocks_ = 1, slices_ = 1;
  memory weights_;                             // as WinogradWeights() says
  std::map<int64_t, MatrixProduct> products_;  // by the number of tiles
};

}  // namespace

int64_t WinogradTile(const ConvolutionOptions& o) {
  const auto suits = [](const Features& f) {
    return f.type == Type::kFloat32 && f.channels % 16 == 0 && f.height % 2 == 0 &&
           f.width % 2 == 0 && std::min(f.height, f.width) >= 8;
  };
  const bool same = o.kernel == 3 && o.stride == 1 && o.pad == std::array<int64_t, 2>{1, 1};
  if (!same || !suits(o.in) || !suits(o.out)) return 0;
  const auto by_fours = [](int64_t side) { return side % 4 == 0 && side >= 16; };
  return by_fours(o.out.height) && by_fours(o.out.width) ? 4 : 2;
}

std::unique_ptr<const Op> MakeWinogradConvolution(const ConvolutionOptions& options) {
  return std::make_unique<Winograd>(options);
}

}  // namespace tweedie::plan
