#include "server/model_tools/model_tools.h"

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "core/weights/diffusers_writer.h"
#include "core/weights/model.h"
#include "server/base/command_line.h"
#include "server/model_tools/inspect.h"

namespace tweedie {
namespace {

constexpr char kPath[] =
    "A model's folder, or a file of weights with its settings beside it, as in --models-dir";

std::optional<int> Parse(CLI::App& app, int argc, const char* const* argv) {
  return ParseOr(app, [&] { app.parse(argc, argv); });
}

int RunInspect(int argc, const char* const* argv) {
  CLI::App app("Prints what a model's files say, and how a server would take them.",
               "tweedied inspect");
  app.footer(
      "Exit codes: 0 it can be served; 1 it cannot, standard error says why; 2 a wrong "
      "option.");
  std::string path;
  bool summary = false;
  app.add_option("PATH", path, kPath)->required();
  app.add_flag("--summary", summary, "Without the tensors");
  if (const std::optional<int> code = Parse(app, argc, argv)) return *code;
  const absl::Status inspected =
      InspectModel(path, !summary, [](absl::string_view line) { std::cout << line << "\n"; });
  std::cout.flush();
  return inspected.ok() ? kExitDone : Fail(inspected);
}

int RunConvert(int argc, const char* const* argv) {
  CLI::App app(
      "Writes a model as a folder of diffusers' UNet2DModel, of float32, with the same outputs.",
      "tweedied convert");
  app.footer("Exit codes: 0 done; 1 it could not be done; 2 a wrong option.");
  std::string path;
  std::string folder;
  app.add_option("PATH", path, kPath)->required();
  app.add_option("OUT", folder, "The folder; must not be there yet")->required();
  if (const std::optional<int> code = Parse(app, argc, argv)) return *code;
  const auto model = LoadModel("converted", path);
  if (!model.ok()) return Fail(model.status());
  for (const std::string& assumption : (*model)->assumptions) {
    std::cerr << "assumed: " << assumption << "\n";
  }
  const absl::Status written = WriteDiffusersFolder(**model, folder);
  if (!written.ok()) return Fail(written);
  std::cout << absl::StrCat("wrote ", folder, ": ", (*model)->num_parameters, " parameters of ",
                            (*model)->dialect)
            << std::endl;
  return kExitDone;
}

}  // namespace

std::optional<int> RunModelTool(int argc, const char* const* argv) {
  const absl::string_view name = argc > 1 ? argv[1] : "";
  if (name == "inspect") return RunInspect(argc - 1, argv + 1);
  if (name == "convert") return RunConvert(argc - 1, argv + 1);
  return std::nullopt;
}

}  // namespace tweedie
