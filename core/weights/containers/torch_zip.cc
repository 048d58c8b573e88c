// The zip archives of torch.save, PyTorch 1.6 and later.
#include <map>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "core/base/status_macros.h"
#include "core/weights/containers/file_layout.h"
#include "core/weights/containers/pickled_layout.h"
#include "core/weights/containers/unpickler.h"
#include "core/weights/containers/zip_directory.h"

namespace tweedie {
namespace {

using Entries = std::map<std::string, ByteRange>;

constexpr absl::string_view kPickle = "data.pkl";
constexpr int64_t kMaxTextBytes = 64;

// The folder that all entries lie in, with its slash: `archive/`, or the stem of
// the name that the file had.
absl::StatusOr<std::string> FindRoot(const Entries& entries) {
  if (entries.empty()) return absl::InvalidArgumentError("is an empty zip archive");
  const std::string& first = entries.begin()->first;
  const std::string root = first.substr(0, first.find('/') + 1);
  for (const auto& [name, range] : entries) {
    if (!root.empty() && absl::StartsWith(name, root)) continue;
    return absl::InvalidArgumentError(absl::StrCat("is a zip archive, but not of torch.save: '",
                                                   absl::Utf8SafeCEscape(name),
                                                   "' is not in one folder with the others"));
  }
  return root;
}

absl::Status CheckIsNoProgram(const Entries& entries, const std::string& root) {
  for (const auto& [name, range] : entries) {
    const absl::string_view inner = absl::StripPrefix(name, root);
    if (absl::StartsWith(inner, "code/") || inner == "constants.pkl" || inner == "bytecode.pkl") {
      return absl::InvalidArgumentError(
          absl::StrCat("is a TorchScript program (it has ", absl::Utf8SafeCEscape(inner),
                       "), of which nothing is run: save the state_dict() instead"));
    }
  }
  if (entries.count(absl::StrCat(root, kPickle)) > 0) return absl::OkStatus();
  return absl::InvalidArgumentError("is a zip archive, but not of torch.save: no data.pkl");
}

// A small entry, without white space around; "" if it is not there.
absl::StatusOr<std::string> ReadText(StructureReader& file, const Entries& entries,
                                     const std::string& name) {
  const auto found = entries.find(name);
  if (found == entries.end()) return std::string();
  if (found->second.bytes > kMaxTextBytes) {
    return absl::InvalidArgumentError(absl::StrCat(found->second.name, " is too long"));
  }
  ASSIGN_OR_RETURN(const std::string text, file.Read(found->second.begin, found->second.bytes));
  return std::string(absl::StripAsciiWhitespace(text));
}

absl::Status CheckFormat(StructureReader& file, const Entries& entries, const std::string& root) {
  ASSIGN_OR_RETURN(const std::string version, ReadText(file, entries, root + "version"));
  if (version != "3") {
    return absl::InvalidArgumentError(absl::StrCat("has version '", absl::Utf8SafeCEscape(version),
                                                   "' of the format; 3 is read"));
  }
  ASSIGN_OR_RETURN(const std::string order, ReadText(file, entries, root + "byteorder"));
  if (order.empty() || order == "little") return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("has byteorder '", absl::Utf8SafeCEscape(order), "'; little is read"));
}

absl::StatusOr<PickledObject> ReadPickle(StructureReader& file, const ByteRange& range) {
  SequentialReader source(&file, range.begin, range.begin + range.bytes, range.begin);
  ASSIGN_OR_RETURN(PickledObject object, Unpickle(source));
  if (source.left() == 0) return object;
  return absl::InvalidArgumentError(
      absl::StrCat("pickle: ", source.left(), " bytes follow its STOP"));
}

// The entries under data/ by what follows, which is the key of a storage. What
// else is known is not listed as ignored.
Entries TakeStorages(const Entries& entries, const std::string& root,
                     std::vector<std::string>* ignored) {
  const std::set<absl::string_view> known = {"data.pkl",           "version",
                                             "byteorder",          ".format_version",
                                             ".storage_alignment", ".data/serialization_id"};
  Entries storages;
  for (const auto& [name, range] : entries) {
    absl::string_view inner = absl::StripPrefix(name, root);
    if (known.count(inner) > 0) continue;
    if (absl::ConsumePrefix(&inner, "data/")) {
      storages.emplace(inner, range);
    } else if (ignored->size() < 100) {
      ignored->push_back(range.name);
    }
  }
  return storages;
}

}  // namespace

absl::StatusOr<FileLayout> ReadTorchZipLayout(StructureReader& file) {
  ASSIGN_OR_RETURN(const Entries entries, ReadZipDirectory(file));
  ASSIGN_OR_RETURN(const std::string root, FindRoot(entries));
  RETURN_IF_ERROR(CheckIsNoProgram(entries, root));
  RETURN_IF_ERROR(CheckFormat(file, entries, root));
  ASSIGN_OR_RETURN(const PickledObject object,
                   ReadPickle(file, entries.at(absl::StrCat(root, kPickle))));
  std::vector<std::string> ignored;
  const Entries storages = TakeStorages(entries, root, &ignored);
  ASSIGN_OR_RETURN(FileLayout layout, MakePickledLayout(object, storages));
  layout.container = "torch zip";
  layout.ignored.insert(layout.ignored.end(), ignored.begin(), ignored.end());
  for (const absl::string_view name : {"data.pkl", "version", "byteorder"}) {
    const auto found = entries.find(absl::StrCat(root, name));
    if (found != entries.end()) layout.checked.push_back(found->second);
  }
  return layout;
}

}  // namespace tweedie
