#ifndef TWEEDIE_CLIENT_CLI_PREVIEW_STYLE_H_
#define TWEEDIE_CLIENT_CLI_PREVIEW_STYLE_H_

#include <functional>
#include <string>

#include "absl/strings/string_view.h"

namespace tweedie::cli {

// How pictures are shown in a terminal.
enum class PictureStyle { kNone, kBlocks, kKitty, kSixel };

// What there is to know of a terminal.
struct TerminalTraits {
  bool is_terminal = false;
  std::function<std::string(const char*)> variable;  // of the environment; "" if unset
  // Its answer to the question what it is (DA1), `\e[?62;4;22c`; "" if it gives none.
  std::function<std::string()> answer;
};

// The style that --preview names; for `auto` kitty's graphics or sixels where the
// terminal says that it has them, else blocks, and nothing where it is no terminal or a
// dumb one. It is asked only where its variables do not tell.
PictureStyle ChooseStyle(absl::string_view option, const TerminalTraits& traits);

// Whether an answer to DA1 names sixels, which are attribute 4.
bool HasSixels(absl::string_view answer);

// Asks the terminal of this process, and waits half a second for the answer. "" also if the
// process is in the background, where asking would stop it.
std::string AskTerminal();

}  // namespace tweedie::cli

#endif  // TWEEDIE_CLIENT_CLI_PREVIEW_STYLE_H_
