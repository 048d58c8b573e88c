#ifndef TWEEDIE_CORE_WEIGHTS_CONTAINERS_CHECKPOINT_H_
#define TWEEDIE_CORE_WEIGHTS_CONTAINERS_CHECKPOINT_H_

#include <ATen/core/Tensor.h>

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace tweedie {

// Named tensors out of a file of weights, and what else the file said.
struct Checkpoint {
  // Of the state dict that was chosen (ChooseStateDict()), by names without their
  // common prefix (StripPrefixes()). On the CPU, contiguous, of any type of
  // ElementType; requires_grad false. Those that shared memory when they were
  // saved may still share it.
  std::map<std::string, at::Tensor> tensors;
  // "safetensors", "safetensors shards", "torch zip", "torch zip shards", "torch
  // legacy" or "torch legacy shards".
  std::string container;
  // The keys that led to the state dict, joined by dots, such as "ema"; "" if the
  // file is the state dict itself.
  std::string wrapper;
  // What was taken off the names, such as "module."; "" if nothing.
  std::string prefix;
  // Numbers, booleans and short strings from beside the state dict or from in it,
  // as text, by their keys, joined by dots: `step`, `version`. Of safetensors, the
  // metadata. At most 1000 of a pickle.
  std::map<std::string, std::string> values;
  // Keys of what else was there and is not loaded: the optimizer, the weights
  // beside their average. At most a few thousand.
  std::vector<std::string> ignored;
  // SHA-256, in lower-case hexadecimal, of the file's bytes, all of them. Of
  // shards, that of the lines `<SHA-256>  <name>\n`, one a shard, in the order of
  // their names: what `sha256sum SHARD... | sha256sum` prints.
  std::string sha256;
};

// Reads a file of weights, whose container its first bytes tell: safetensors, or
// a checkpoint of torch.save, as a zip archive or in the form before PyTorch
// 1.6; or the shards that a file `*.index.json` names. Files are data: no code of
// theirs is run, and no name in them is looked up but those of
// pickle_globals.h.
//
// The file is read once, in chunks, and hashed and copied from at once, so that
// the digest is that of what is used. Beside the tensors that are returned, and
// the largest storage of a tensor that was not contiguous, it takes at most 64
// MiB of memory. A shard is a regular file in the index's own folder, which no
// symbolic link leaves, with exactly the tensors that the index says.
//
// Every error names the file. NOT_FOUND, PERMISSION_DENIED; INVALID_ARGUMENT
// says what is wrong, or what a file that is none looks like; ABORTED if the
// file was changed meanwhile; RESOURCE_EXHAUSTED for want of memory.
// Thread-safe.
absl::StatusOr<Checkpoint> ReadCheckpoint(const std::string& path);

}  // namespace tweedie

#endif  // TWEEDIE_CORE_WEIGHTS_CONTAINERS_CHECKPOINT_H_
