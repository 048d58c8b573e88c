#include "core/weights/dialects/key_map.h"

#include <ATen/ATen.h>

#include "absl/strings/str_cat.h"

namespace tweedie {
namespace {

bool MayBeConvolution(Form form) {
  return form == Form::kPointwise || form == Form::kQkvByPart || form == Form::kQkvByHead;
}

at::Tensor WithoutTrailingOnes(at::Tensor tensor, size_t rank) {
  while (tensor.dim() > static_cast<int64_t>(rank) && tensor.size(-1) == 1) {
    tensor = tensor.squeeze(-1);
  }
  return tensor;
}

// Rows of one part of every head: [H 3 d, ...] -> [H d, ...].
at::Tensor PartOfHeads(const at::Tensor& qkv, int part, int64_t heads) {
  std::vector<int64_t> shape = qkv.sizes().vec();
  const int64_t channels = shape[0] / 3;
  shape[0] = channels / heads;
  shape.insert(shape.begin(), {heads, 3});
  std::vector<int64_t> result = qkv.sizes().vec();
  result[0] = channels;
  return qkv.reshape(shape).select(1, part).reshape(result);
}

at::Tensor Standardized(const at::Tensor& weight) {
  const at::Tensor rows = weight.to(at::kFloat).flatten(1);
  const at::Tensor mean = rows.mean(1, /*keepdim=*/true);
  const at::Tensor variance = rows.var(1, /*unbiased=*/false, /*keepdim=*/true);
  return rows.sub(mean).mul(variance.add(1e-5).rsqrt()).view(weight.sizes());
}

}  // namespace

std::vector<int64_t> FileShape(const Source& source, at::IntArrayRef shape) {
  std::vector<int64_t> result = shape.vec();
  if (source.form == Form::kQkvByPart || source.form == Form::kQkvByHead) result[0] *= 3;
  if (source.form == Form::kPatches && shape.size() == 4) {
    result = {shape[0], 4 * shape[1], 1, 1};
  }
  return result;
}

std::optional<at::Tensor> Adapt(const Source& source, const at::Tensor& tensor,
                                at::IntArrayRef shape) {
  const bool maybe_convolution = MayBeConvolution(source.form) && shape.size() == 2;
  const at::Tensor value = maybe_convolution ? WithoutTrailingOnes(tensor, shape.size()) : tensor;
  if (value.sizes() != at::IntArrayRef(FileShape(source, shape))) return std::nullopt;
  switch (source.form) {
    case Form::kSame:
    case Form::kPointwise:
      return value;
    case Form::kQkvByPart:
      return value.narrow(0, source.part * shape[0], shape[0]);
    case Form::kQkvByHead:
      if (shape[0] % source.heads != 0) return std::nullopt;
      return PartOfHeads(value, source.part, source.heads);
    case Form::kPatches:
      return value.reshape(shape);
    case Form::kStandardized:
      return Standardized(value);
  }
  return std::nullopt;
}

void AddLayer(absl::string_view ours, const Source& theirs, KeyMap* map) {
  Source weight = theirs, bias = theirs;
  weight.key = absl::StrCat(theirs.key, ".weight");
  bias.key = absl::StrCat(theirs.key, ".bias");
  if (theirs.form == Form::kPatches || theirs.form == Form::kStandardized) bias.form = Form::kSame;
  (*map)[absl::StrCat(ours, ".weight")] = weight;
  (*map)[absl::StrCat(ours, ".bias")] = bias;
}

}  // namespace tweedie
