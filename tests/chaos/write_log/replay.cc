#include "tests/chaos/write_log/replay.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/base/status_macros.h"

namespace tweedie {
namespace {

namespace fs = std::filesystem;

std::string FolderOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}

// A file's bytes on the disk, and what is on its way there. It keeps them when
// it is renamed.
struct File {
  std::string durable;
  std::vector<const WriteRecord*> pending;
};

void Apply(const WriteRecord& record, std::string& bytes) {
  if (record.kind == WriteKind::kTruncate) return bytes.resize(record.offset);
  const size_t end = record.offset + record.data.size();
  if (bytes.size() < end) bytes.resize(end);
  std::copy(record.data.begin(), record.data.end(), bytes.begin() + record.offset);
}

void Sync(File& file) {
  for (const WriteRecord* record : file.pending) Apply(*record, file.durable);
  file.pending.clear();
}

// A change of a folder. `file` is the one created; null for folders.
struct NameChange {
  const WriteRecord* record;
  std::shared_ptr<File> file;
  bool synced = false;

  bool IsIn(const std::string& folder) const {
    return FolderOf(record->path) == folder ||
           (record->kind == WriteKind::kRename && FolderOf(record->second_path) == folder);
  }
};

using Names = std::map<std::string, std::shared_ptr<File>>;  // null: a folder

void Apply(const NameChange& change, Names& names) {
  const WriteRecord& record = *change.record;
  const std::string folder = FolderOf(record.path);
  if (!folder.empty() && names.count(folder) == 0) return;  // lost with its folder
  switch (record.kind) {
    case WriteKind::kCreate:
      names[record.path] = change.file;
      return;
    case WriteKind::kMakeDir:
      names[record.path] = nullptr;
      return;
    case WriteKind::kRename:
      // Its creation may have been lost.
      if (const auto file = names.extract(record.path)) names[record.second_path] = file.mapped();
      return;
    default:
      names.erase(record.path);
  }
}

// What the process sees, and what of it is on the disk.
class Disk {
 public:
  explicit Disk(Syncs syncs) : syncs_(syncs) {}

  void Do(const WriteRecord& record) {
    switch (record.kind) {
      case WriteKind::kWrite:
      case WriteKind::kTruncate:
        // A file that was there before the log began has no name here.
        if (const auto file = seen_.find(record.path); file != seen_.end() && file->second) {
          file->second->pending.push_back(&record);
        }
        return;
      case WriteKind::kSync:
        if (syncs_ == Syncs::kHonoured) SyncPath(record.path);
        return;
      default:
        changes_.push_back(
            {&record, record.kind == WriteKind::kCreate ? std::make_shared<File>() : nullptr});
        Apply(changes_.back(), seen_);
    }
  }

  // What is left after the cut.
  Names Cut(std::mt19937_64& random) const {
    Names left;
    const size_t journaled = random() % (changes_.size() + 1);
    for (size_t i = 0; i < changes_.size(); ++i) {
      if (changes_[i].synced || i < journaled) Apply(changes_[i], left);
    }
    for (auto& [path, file] : left) {
      if (file != nullptr) file = Survivor(*file, random);
    }
    return left;
  }

 private:
  void SyncPath(const std::string& path) {
    if (const auto file = seen_.find(path); file != seen_.end() && file->second) {
      return Sync(*file->second);
    }
    for (NameChange& change : changes_) change.synced = change.synced || change.IsIn(path);
  }

  static std::shared_ptr<File> Survivor(const File& file, std::mt19937_64& random) {
    auto left = std::make_shared<File>(File{file.durable, {}});
    for (const WriteRecord* record : file.pending) {
      if (random() % 2 == 0) Apply(*record, left->durable);
    }
    return left;
  }

  const Syncs syncs_;
  Names seen_;
  std::vector<NameChange> changes_;
};

absl::Status WriteOut(const Names& names, const std::string& folder) {
  for (const auto& [path, file] : names) {  // a folder comes before what is in it
    const std::string full = absl::StrCat(folder, "/", path);
    if (file == nullptr) {
      fs::create_directory(full);
      continue;
    }
    std::ofstream out(full, std::ios::binary);
    if (!(out << file->durable).flush()) return absl::InternalError("cannot write " + full);
  }
  return absl::OkStatus();
}

// One record from the front of `bytes`, which is `offset` bytes into the log.
absl::StatusOr<WriteRecord> Take(absl::string_view* bytes, const std::string& root) {
  WriteHeader header;
  if (bytes->size() < sizeof(header)) return absl::DataLossError("the write log is cut off");
  std::memcpy(&header, bytes->data(), sizeof(header));
  bytes->remove_prefix(sizeof(header));
  const auto take = [&](size_t size) {
    const absl::string_view part = bytes->substr(0, size);
    bytes->remove_prefix(part.size());
    return part;
  };
  const auto relative = [&](absl::string_view path) {
    absl::ConsumePrefix(&path, root);
    absl::ConsumePrefix(&path, "/");
    return std::string(path);
  };
  WriteRecord record;
  record.kind = header.kind;
  record.offset = header.offset;
  record.path = relative(take(header.path_size));
  record.second_path = relative(take(header.second_path_size));
  record.data = std::string(take(header.data_size));
  if (record.data.size() != header.data_size)
    return absl::DataLossError("the write log is cut off");
  return record;
}

}  // namespace

absl::StatusOr<WriteLog> WriteLog::Read(const std::string& path, const std::string& root) {
  std::ifstream in(path, std::ios::binary);
  const std::string all((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  std::vector<WriteRecord> records;
  for (absl::string_view rest = all; !rest.empty();) {
    ASSIGN_OR_RETURN(WriteRecord record, Take(&rest, root));
    record.end = static_cast<int64_t>(all.size() - rest.size());
    records.push_back(std::move(record));
  }
  return WriteLog(std::move(records));
}

absl::Status WriteLog::CutAfter(size_t count, Syncs syncs, std::mt19937_64& random,
                                const std::string& folder) const {
  Disk disk(syncs);
  for (size_t i = 0; i < count; ++i) disk.Do(records_[i]);
  return WriteOut(disk.Cut(random), folder);
}

}  // namespace tweedie
