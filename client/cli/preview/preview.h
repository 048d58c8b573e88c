#ifndef TWEEDIE_CLIENT_CLI_PREVIEW_PREVIEW_H_
#define TWEEDIE_CLIENT_CLI_PREVIEW_PREVIEW_H_

#include "tweedie/v1/job.pb.h"

namespace tweedie::cli {

class Session;

// Shows the first images of a job that has succeeded on standard error, if --preview and
// the terminal allow it; not with --quiet or --json. What goes wrong is noted, and
// nothing else: the images are safe on the server.
void ShowPreview(Session& session, const v1::Job& job);

}  // namespace tweedie::cli

#endif  // TWEEDIE_CLIENT_CLI_PREVIEW_PREVIEW_H_
