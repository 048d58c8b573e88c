#include "client/cli/preview/live_preview.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/cli/preview/encoders.h"
#include "core/base/status_macros.h"
#include "imaging/image.h"

namespace tweedie::cli {
namespace {

constexpr absl::Duration kRedrawInterval = absl::Milliseconds(100);
// The line of the progress, and one of what stands above the picture.
constexpr int kOtherRows = 2;

}  // namespace

LivePreview::LivePreview(Session* session)
    : session_(session),
      is_wanted_(session->terminal().can_redraw() && session->preview() != "none" &&
                 !session->quiet() && !session->json()) {}

void LivePreview::OnFrame(const v1::Frame& frame, absl::Time now) {
  if (!is_wanted_ || frame.kind() != v1::Frame::X0_HAT) return;
  if (now - last_drawn_ < kRedrawInterval) return;
  last_drawn_ = now;
  Terminal& terminal = session_->terminal();
  const absl::StatusOr<std::string> picture =
      DrawFrame(frame, terminal.width() - 1, terminal.height() - kOtherRows);
  if (picture.ok()) return terminal.RedrawPicture(*picture);
  is_wanted_ = false;
  Close();
  session_->Note(absl::StrCat("no preview: ", picture.status().message()));
}

void LivePreview::Close() { session_->terminal().RedrawPicture(""); }

absl::StatusOr<std::string> DrawFrame(const v1::Frame& frame, int columns, int rows) {
  std::vector<Image> images;
  for (const std::string& file : frame.images().encoded().files()) {
    ASSIGN_OR_RETURN(Image image, DecodeImage(file));
    const int most = std::min(kMostShownImages, ImagesInARow(image.width, columns));
    images.push_back(std::move(image));
    if (static_cast<int>(images.size()) == most) break;
  }
  return EncodeBlocksOfAll(images, columns, rows);
}

}  // namespace tweedie::cli
