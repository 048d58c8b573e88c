#include "core/plan/ops/winograd.h"

#include <algorithm>
#include <array>
#include <map>
#include <oneapi/dnnl/dnnl.hpp>
#include <utility>
#include <vector>

#include "core/plan/ops/aligned_floats.h"
#include "core/plan/ops/matrix_product.h"
#include "core/plan/ops/onednn.h"
#include "core/plan/ops/winograd_kernels.h"

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

// G g G^T of the paper, of one 3x3 weight.
std::array<double, kWinogradParts> TransformWeight(const float* g) {
  const auto line = [](double a, double b, double c) {
    return std::array<double, 4>{a, (a + b + c) / 2, (a - b + c) / 2, c};
  };
  std::array<std::array<double, 4>, 3> lines;
  for (int i = 0; i < 3; ++i) lines[i] = line(g[3 * i], g[3 * i + 1], g[3 * i + 2]);
  std::array<double, kWinogradParts> parts;
  for (int j = 0; j < 4; ++j) {
    const std::array<double, 4> column = line(lines[0][j], lines[1][j], lines[2][j]);
    for (int i = 0; i < 4; ++i) parts[4 * i + j] = column[i];
  }
  return parts;
}

class Winograd final : public Op {
 public:
  explicit Winograd(const ConvolutionOptions& options)
      : options_(options), zeros_(std::max(options.in.channels, options.out.channels)) {
    const int64_t lines = options.out.height / 2, tiles = options.out.width / 2;
    const int64_t of_tile = kWinogradParts * (options.in.channels + options.out.channels);
    const int64_t fit = std::max<int64_t>(kBlockFloats / of_tile, kLeastTiles);
    blocks_ = std::clamp<int64_t>(lines * tiles / fit, 1, lines);
    if (blocks_ == 1 && lines * tiles >= 2 * kLeastTiles) blocks_ = 2;
    slices_ = blocks_ == 1 && options.out.channels % 32 == 0 ? 2 : 1;
    weights_ =
        PackOnce(options.packed, options.name + ":winograd", Layout(), [this] { return Pack(); });
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
      for (int64_t i = part.Begin(count); i < part.End(count); ++i) Run(to, i, products[i]);
    };
  }

 private:
  int64_t slice() const { return options_.out.channels / slices_; }  // channels of one
  Part Block(int64_t block) const { return {static_cast<int>(block), static_cast<int>(blocks_)}; }
  int64_t TilesOf(int64_t block) const {
    const int64_t lines = options_.out.height / 2;
    return (Block(block).End(lines) - Block(block).Begin(lines)) * (options_.out.width / 2);
  }

  memory::desc Layout() const {
    return memory::desc({slices_, kWinogradParts, options_.in.channels, slice()},
                        memory::data_type::f32, memory::format_tag::abcd);
  }
  memory Pack() const {
    memory packed(Layout(), Engine());
    auto* to = static_cast<float*>(packed.get_data_handle());
    const int64_t in = options_.in.channels;
    for (int64_t o = 0; o < options_.out.channels; ++o) {
      for (int64_t i = 0; i < in; ++i) {
        const auto parts = TransformWeight(options_.weights + (o * in + i) * 9);
        float* first = to + o / slice() * kWinogradParts * in * slice() + i * slice() + o % slice();
        for (int part = 0; part < kWinogradParts; ++part) {
          first[part * in * slice()] = static_cast<float>(parts[part]);
        }
      }
    }
    return packed;
  }

  void AddProduct(int64_t tiles) {
    if (products_.count(tiles) > 0) return;
    const int64_t in = options_.in.channels;
    products_.emplace(tiles, MatrixProduct(kWinogradParts, {tiles, in, {tiles * in, in, 1}},
                                           {in, slice(), {in * slice(), slice(), 1}},
                                           {tiles, slice(), {tiles * slice(), slice(), 1}}));
  }

  // One block of tiles and one slice of channels.
  void Run(const Memory& to, int64_t item, const MatrixProduct::Call& product) const {
    const int64_t block = item / slices_, first_channel = item % slices_ * slice();
    const int64_t tiles = TilesOf(block), in_floats = kWinogradParts * tiles * options_.in.channels;
    float* in = Scratch(in_floats + kWinogradParts * tiles * slice());
    float* out = in + in_floats;
    const int64_t lines = options_.out.height / 2, begin = Block(block).Begin(lines);
    const int64_t end = Block(block).End(lines);
    for (int64_t line = begin; line < end; ++line) {
      ReadLine(to.arena, line, tiles, in + (line - begin) * options_.in.line() / 2);
    }
    const auto* weights = static_cast<float*>(weights_.get_data_handle()) +
                          first_channel * kWinogradParts * options_.in.channels;
    product(in, const_cast<float*>(weights), out);
    for (int64_t line = begin; line < end; ++line) {
      const float* parts = out + (line - begin) * options_.out.width / 2 * slice();
      WriteLine(to, line, {parts, tiles * slice()}, first_channel);
    }
  }

  // The parts of the tiles of one line of them.
  void ReadLine(float* arena, int64_t line, int64_t tiles, float* parts) const {
    const Features& in = options_.in;
    WinogradInput input{.lines = {},
                        .zeros = zeros_.data(),
                        .width = in.width,
                        .channels = in.channels,
                        .parts = parts,
                        .stride = tiles * in.channels};
    for (int64_t i = 0; i < 4; ++i) {
      const int64_t at = 2 * line - 1 + i;
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
    WinogradOutput output{.parts = parts.begin,
                          .stride = parts.stride,
                          .width = out.width,
                          .channels = slice(),
                          .pixel = out.channels,
                          .bias = BiasOf(to) + first_channel,
                          .plus = {},
                          .lines = {}};
    for (int64_t i = 0; i < 2; ++i) {
      const int64_t at = (2 * line + i) * out.line() + first_channel;
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
  std::vector<float> bias_;
  int64_t blocks_ = 1, slices_ = 1;
  memory weights_;                             // [slices, parts, in, out of a slice]
  std::map<int64_t, MatrixProduct> products_;  // by the number of tiles
};

}  // namespace

bool IsForWinograd(const ConvolutionOptions& o) {
  const auto suits = [](const Features& f) {
    return f.type == Type::kFloat32 && f.channels % 16 == 0 && f.height % 2 == 0 &&
           f.width % 2 == 0 && std::min(f.height, f.width) >= 8;
  };
  return o.kernel == 3 && o.stride == 1 && o.pad == std::array<int64_t, 2>{1, 1} && suits(o.in) &&
         suits(o.out);
}

std::unique_ptr<const Op> MakeWinogradConvolution(const ConvolutionOptions& options) {
  return std::make_unique<Winograd>(options);
}

}  // namespace tweedie::plan
