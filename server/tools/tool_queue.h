#ifndef TWEEDIE_SERVER_TOOLS_TOOL_QUEUE_H_
#define TWEEDIE_SERVER_TOOLS_TOOL_QUEUE_H_

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/jobs/blob_store.h"
#include "core/jobs/job_archive.h"
#include "server/base/data_dir.h"

namespace tweedie {

// Which queue; the options of the server that names it.
struct QueueChoice {
  std::string data_dir = "tweedie-data";
  std::string database = "";  // of PostgreSQL, instead of data_dir. A secret
  std::string database_schema = "tweedie";
  std::string blobs_dir = "";  // with `database`: the folder that its servers share
};

// A queue that no server uses. A folder is locked as a server locks it; a
// database is only looked at: its servers are known by their leases.
// Movable; not thread-safe.
class ToolQueue {
 public:
  // Takes the queue, without opening it. FAILED_PRECONDITION if a server uses it, or
  // if what `use` needs is not there.
  static absl::StatusOr<ToolQueue> Take(const QueueChoice& choice, ArchiveUse use);
  // What SQLite finds wrong with the file, if the queue is in one.
  absl::StatusOr<std::vector<std::string>> FindDamage() const;
  // Opens it; to be called once, before what follows.
  absl::Status Open();

  JobArchive& jobs() const { return *jobs_; }
  const BlobStore& blobs() const { return *blobs_; }
  bool is_database() const { return !choice_.database.empty(); }
  // Whether the blobs are in a folder that servers of a database share.
  bool shares_folder() const { return !choice_.blobs_dir.empty(); }
  // For people.
  std::string name() const;
  std::string place_of_blobs() const;
  // Whether still no server uses it.
  absl::Status CheckUnused() const;
  // Moves a damaged blob's file to where nothing removes it, if the blobs are in a
  // data folder. Replaces nothing there. OK if there is none.
  absl::Status SetAside(const std::string& blob) const;

 private:
  ToolQueue(QueueChoice choice, ArchiveUse use) : choice_(std::move(choice)), use_(use) {}
  absl::Status TakeFolder();
  absl::Status TakeDatabase() const;
  absl::Status OpenFolder();
  absl::Status OpenDatabase();
  absl::Status OpenFiles(const std::string& path);

  QueueChoice choice_;
  ArchiveUse use_;
  std::optional<DataDir> data_dir_;  // locked
  std::unique_ptr<JobArchive> jobs_;
  std::unique_ptr<BlobStore> blobs_;
};

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_TOOLS_TOOL_QUEUE_H_
