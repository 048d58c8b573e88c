#include "client/cli/preview/preview.h"

#include <unistd.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "client/cli/environment.h"
#include "client/cli/fetch.h"
#include "client/cli/preview/encoders.h"
#include "client/cli/preview/style.h"
#include "client/cli/session.h"
#include "core/base/status_macros.h"
#include "imaging/contact_sheet.h"

namespace tweedie::cli {
namespace {

PictureStyle StyleFor(const Session& session) {
  if (session.quiet() || session.json()) return PictureStyle::kNone;
  TerminalTraits traits;
  traits.is_terminal = isatty(STDERR_FILENO) != 0;
  traits.variable = Variable;
  traits.answer = AskTerminal;
  return ChooseStyle(session.preview(), traits);
}

absl::StatusOr<std::vector<Image>> ReadFirstImages(Session& session, const v1::Job& job) {
  std::vector<Image> images;
  v1::ReadJobImagesRequest request;
  request.set_name(job.name());
  request.set_format(v1::IMAGE_FORMAT_PNG);
  const absl::Status status = session.client().ReadJobImages(
      request, [&](const v1::ReadJobImagesResponse& response) -> absl::Status {
        ASSIGN_OR_RETURN(const std::string png, PngOf(response));
        ASSIGN_OR_RETURN(Image image, DecodeImage(png));
        images.push_back(std::move(image));
        const bool enough = images.size() == kMostShownImages;
        return enough ? absl::CancelledError("enough images") : absl::OkStatus();
      });
  if (!status.ok() && images.size() < kMostShownImages) return status;
  return images;
}

absl::StatusOr<std::string> Draw(const std::vector<Image>& images, PictureStyle style, int width) {
  if (style == PictureStyle::kBlocks) return EncodeBlocksOfAll(images, width);
  ContactSheetOptions options;
  options.columns = static_cast<int>(images.size());
  ASSIGN_OR_RETURN(const Image sheet, MakeContactSheet(images, options));
  return style == PictureStyle::kKitty ? EncodeKitty(EncodePng(sheet)) : EncodeSixel(sheet);
}

absl::Status Show(Session& session, const v1::Job& job, PictureStyle style) {
  ASSIGN_OR_RETURN(const std::vector<Image> images, ReadFirstImages(session, job));
  if (images.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::string text, Draw(images, style, session.terminal().width()));
  session.terminal().PrintPicture(absl::StripSuffix(text, "\n"));  // never where --quiet
  return absl::OkStatus();
}

}  // namespace

void ShowPreview(Session& session, const v1::Job& job) {
  const PictureStyle style = StyleFor(session);
  if (style == PictureStyle::kNone) return;
  const absl::Status status = Show(session, job, style);
  if (!status.ok()) session.Note(absl::StrCat("no preview: ", status.message()));
}

}  // namespace tweedie::cli
