#include "core/engine/batch.h"

#include <ATen/ATen.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "absl/status/statusor.h"
#include "core/base/failpoint.h"
#include "core/base/status_macros.h"
#include "core/engine/call_failure.h"

namespace tweedie {
namespace {

// The next rows of a part, not yet evaluated.
struct Piece {
  BatchPart* part = nullptr;
  int64_t rows = 0;
};
using Pieces = std::vector<Piece>;

at::Tensor CatOrOnly(const std::vector<at::Tensor>& tensors) {
  return tensors.size() == 1 ? tensors[0] : at::cat(tensors);
}

int64_t NumRows(const Pieces& pieces) {
  int64_t rows = 0;
  for (const Piece& piece : pieces) rows += piece.rows;
  return rows;
}

DenoiserInput Pack(const Pieces& pieces) {
  std::vector<at::Tensor> x, t, class_labels;
  for (const Piece& piece : pieces) {
    const DenoiserInput rows = piece.part->job->NextRows(piece.rows);
    x.push_back(rows.x);
    t.push_back(rows.t);
    if (rows.class_labels.defined()) class_labels.push_back(rows.class_labels);
  }
  DenoiserInput input;
  input.x = CatOrOnly(x);
  input.t = CatOrOnly(t);
  if (!class_labels.empty()) input.class_labels = CatOrOnly(class_labels);
  return input;
}

// The losses of rows [first_row, first_row + n) of the call, each from the job
// that the row is of.
at::Tensor LossOfRows(const Pieces& pieces, int64_t first_row, const at::Tensor& x,
                      const at::Tensor& prediction) {
  std::vector<at::Tensor> losses;
  int64_t begin = 0;  // of the piece, in the call
  for (const Piece& piece : pieces) {
    const int64_t from = std::max(begin, first_row);
    const int64_t to = std::min(begin + piece.rows, first_row + x.size(0));
    if (from < to) {
      losses.push_back(
          piece.part->job->GuidanceLoss(from - begin, x.narrow(0, from - first_row, to - from),
                                        prediction.narrow(0, from - first_row, to - from)));
    }
    begin += piece.rows;
  }
  return CatOrOnly(losses);
}

// In tests: throws what LibTorch does after an illegal access of a GPU.
void HitDevice(const Pieces& pieces) {
  constexpr int32_t kIllegalAddress = 700;  // cudaErrorIllegalAddress
  for (const Piece& piece : pieces) {
    if (HitFailpoint("engine.device", piece.part->job->job().id).ok()) continue;
    throw c10::AcceleratorError({__func__, __FILE__, __LINE__}, kIllegalAddress,
                                "CUDA error: an illegal memory access was encountered");
  }
}

absl::StatusOr<Differentiated> CallNetwork(const Pieces& pieces) {
  for (const Piece& piece : pieces) {
    RETURN_IF_ERROR(HitFailpoint("engine.step", piece.part->job->job().id));
  }
  const ResidentJob& first = *pieces[0].part->job;
  Denoiser& denoiser = *first.job().denoiser;
  try {
    HitDevice(pieces);
    const DenoiserInput input = Pack(pieces);
    if (!first.needs_gradient()) return Differentiated{denoiser.Predict(input), {}};
    return denoiser.PredictWithGradient(
        input, [&](int64_t first_row, const at::Tensor& x, const at::Tensor& prediction) {
          return LossOfRows(pieces, first_row, x, prediction);
        });
  } catch (const std::exception&) {
    return CaughtFailure("the network call");
  }
}

absl::Status EvaluateTogether(const Pieces& pieces) {
  ASSIGN_OR_RETURN(const Differentiated result, CallNetwork(pieces));
  int64_t row = 0;
  for (const Piece& piece : pieces) {
    piece.part->job->Accept(
        result.prediction.narrow(0, row, piece.rows),
        result.gradient.defined() ? result.gradient.narrow(0, row, piece.rows) : at::Tensor());
    row += piece.rows;
  }
  return absl::OkStatus();
}

// The first half of the rows, and the others. A piece in the middle is cut.
std::pair<Pieces, Pieces> Halves(const Pieces& pieces) {
  std::pair<Pieces, Pieces> halves;
  int64_t room = NumRows(pieces) / 2;
  for (const Piece& piece : pieces) {
    const int64_t rows = std::min(piece.rows, room);
    if (rows > 0) halves.first.push_back({piece.part, rows});
    if (rows < piece.rows) halves.second.push_back({piece.part, piece.rows - rows});
    room -= rows;
  }
  return halves;
}

// Rows of one job must be evaluated in their order, and those of a job that has
// failed need not be.
void Evaluate(Pieces pieces) {
  pieces.erase(std::remove_if(pieces.begin(), pieces.end(),
                              [](const Piece& piece) { return !piece.part->status.ok(); }),
               pieces.end());
  if (pieces.empty()) return;
  const absl::Status together = EvaluateTogether(pieces);
  if (together.ok()) return;
  if (IsOutOfMemory(together) && NumRows(pieces) > 1) {
    auto [first, second] = Halves(pieces);
    Evaluate(std::move(first));
    Evaluate(std::move(second));
  } else if (pieces.size() > 1) {
    for (const Piece& piece : pieces) Evaluate({piece});
  } else {
    pieces[0].part->status = together;
  }
}

}  // namespace

void EvaluateBatch(std::vector<BatchPart>& parts) {
  Pieces pieces;
  for (BatchPart& part : parts) pieces.push_back({&part, part.rows});
  Evaluate(std::move(pieces));
}

}  // namespace tweedie
