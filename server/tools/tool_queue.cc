#include "server/tools/tool_queue.h"

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "core/base/clock.h"
#include "core/base/file.h"
#include "core/base/status_macros.h"
#include "core/jobs/postgres/postgres_job_archive.h"
#include "core/jobs/sqlite/sqlite_job_archive.h"

namespace tweedie {
namespace {

namespace fs = std::filesystem;

absl::StatusOr<bool> IsThere(const std::string& path) {
  std::error_code error;
  const bool there = fs::exists(path, error);
  if (error) return ErrnoError(error.value(), "cannot look at", path);
  return there;
}

// `path`, or with a number behind it if that is taken. The folder is ours alone.
absl::StatusOr<std::string> FreePath(const std::string& path) {
  std::string free = path;
  for (int next = 2;; ++next) {
    ASSIGN_OR_RETURN(const bool taken, IsThere(free));
    if (!taken) return free;
    free = absl::StrCat(path, ".", next);
  }
}

// Moves a file, also to another file system; `from` may still be there then.
absl::Status MoveFile(const std::string& from, const std::string& to) {
  if (std::rename(from.c_str(), to.c_str()) == 0) {
    return SyncFolder(FolderOf(to));
  }
  if (errno != EXDEV) return ErrnoError(errno, "cannot move to", to);
  ASSIGN_OR_RETURN(const std::string bytes, ReadFile(from, std::numeric_limits<int64_t>::max()));
  return WriteFileDurably(to, bytes);
}

PostgresOptions DatabaseOf(const QueueChoice& choice) {
  PostgresOptions options;
  options.connection = choice.database;
  options.schema = choice.database_schema;
  return options;
}

}  // namespace

absl::StatusOr<ToolQueue> ToolQueue::Take(const QueueChoice& choice, ArchiveUse use) {
  ToolQueue queue(choice, use);
  RETURN_IF_ERROR(queue.is_database() ? queue.TakeDatabase() : queue.TakeFolder());
  return queue;
}

absl::Status ToolQueue::TakeFolder() {
  if (!choice_.blobs_dir.empty()) {
    return absl::InvalidArgumentError("blobs-dir needs a database");
  }
  // Before the lock, which makes the folder.
  ASSIGN_OR_RETURN(const bool there, IsThere(choice_.data_dir + "/queue.sqlite"));
  if (use_ == ArchiveUse::kExisting && !there) {
    return absl::NotFoundError(absl::StrCat(choice_.data_dir, " holds no queue"));
  }
  ASSIGN_OR_RETURN(DataDir data_dir, DataDir::Open(choice_.data_dir));
  data_dir_.emplace(std::move(data_dir));
  return absl::OkStatus();
}

absl::Status ToolQueue::TakeDatabase() const { return CheckUnused(); }

absl::Status ToolQueue::CheckUnused() const {
  return is_database() ? CheckPostgresUnused(DatabaseOf(choice_)) : absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> ToolQueue::FindDamage() const {
  if (is_database()) return std::vector<std::string>();
  return FindDamageOfSqliteFile(data_dir_->queue_path());
}

absl::Status ToolQueue::Open() { return is_database() ? OpenDatabase() : OpenFolder(); }

absl::Status ToolQueue::OpenFiles(const std::string& path) {
  // It must not be made where all would be looked for in vain. That one is not mounted
  // is known by what it holds only.
  ASSIGN_OR_RETURN(const bool there, IsThere(path));
  if (use_ == ArchiveUse::kExisting && !there) {
    return absl::NotFoundError(absl::StrCat("the folder of images ", path, " is not there"));
  }
  ASSIGN_OR_RETURN(FileBlobStore blobs, FileBlobStore::Open(path));
  blobs_ = std::make_unique<FileBlobStore>(std::move(blobs));
  return absl::OkStatus();
}

absl::Status ToolQueue::OpenFolder() {
  RETURN_IF_ERROR(OpenFiles(data_dir_->blobs_path()));
  absl::StatusOr<std::unique_ptr<JobArchive>> jobs =
      OpenSqliteJobArchive(data_dir_->queue_path(), use_, Clock::Real());
  if (!jobs.ok()) {
    return absl::Status(jobs.status().code(),
                        absl::StrCat(data_dir_->queue_path(), ": ", jobs.status().message()));
  }
  jobs_ = *std::move(jobs);
  return absl::OkStatus();
}

absl::Status ToolQueue::OpenDatabase() {
  ASSIGN_OR_RETURN(PostgresArchive archive, OpenPostgresArchive(DatabaseOf(choice_), use_));
  jobs_ = std::move(archive.jobs);
  blobs_ = std::move(archive.blobs);
  return choice_.blobs_dir.empty() ? absl::OkStatus() : OpenFiles(choice_.blobs_dir);
}

std::string ToolQueue::name() const {
  if (!is_database()) return choice_.data_dir;
  return absl::StrCat(DescribeDatabase(choice_.database), ", schema ", choice_.database_schema);
}

std::string ToolQueue::place_of_blobs() const {
  if (!is_database()) return data_dir_->blobs_path();
  return shares_folder() ? choice_.blobs_dir : absl::StrCat("the table blobs of ", name());
}

absl::Status ToolQueue::SetAside(const std::string& blob) const {
  if (!data_dir_.has_value()) return absl::OkStatus();
  const std::string from = absl::StrCat(data_dir_->blobs_path(), "/", blob);
  ASSIGN_OR_RETURN(const bool there, IsThere(from));
  if (!there) return absl::OkStatus();
  const std::string folder = data_dir_->damaged_path();
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return ErrnoError(error.value(), "cannot make folder", folder);
  ASSIGN_OR_RETURN(const std::string to,
                   FreePath(absl::StrCat(folder, "/", absl::StrReplaceAll(blob, {{"/", "_"}}))));
  RETURN_IF_ERROR(MoveFile(from, to));
  // If it was moved, what this removes is the job's folder, if that is empty.
  return blobs_->Remove(blob);
}

}  // namespace tweedie
