#include "core/jobs/postgres/postgres_blob_store.h"

#include <algorithm>

#include "core/base/sha256.h"
#include "core/base/status_macros.h"

namespace tweedie::postgres {
namespace {

using sql::Connection;
using sql::Statement;

constexpr size_t kChunkBytes = size_t{1} << 20;
// The slowest that a database is waited for.
constexpr int64_t kMinBytesPerSecond = 2 << 20;

absl::Status RemoveRow(Connection& db, absl::string_view name) {
  ASSIGN_OR_RETURN(Statement remove, db.Prepare("DELETE FROM blobs WHERE name = ?"));
  return remove.Bind(name).Run();
}

absl::Status InsertRow(Connection& db, const BlobRef& blob) {
  ASSIGN_OR_RETURN(Statement insert,
                   db.Prepare("INSERT INTO blobs (name, size, sha256, time) VALUES (?, ?, ?, ?)"));
  insert.Bind(blob.name).Bind(blob.size).Bind(blob.sha256);
  return insert.Bind(absl::ToUnixMicros(db.Now())).Run();
}

absl::Status InsertChunks(Connection& db, absl::string_view name, absl::string_view bytes) {
  for (int64_t index = 0; !bytes.empty(); ++index) {
    ASSIGN_OR_RETURN(Statement insert,
                     db.Prepare("INSERT INTO blob_chunks (name, index, bytes) VALUES (?, ?, ?)"));
    insert.Bind(name).Bind(index).BindBlob(bytes.substr(0, kChunkBytes));
    RETURN_IF_ERROR(insert.Run());
    bytes.remove_prefix(std::min(bytes.size(), kChunkBytes));
  }
  return absl::OkStatus();
}

absl::Status CheckThere(Connection& db, absl::string_view name) {
  ASSIGN_OR_RETURN(Statement find, db.Prepare("SELECT 1 FROM blobs WHERE name = ?"));
  ASSIGN_OR_RETURN(const bool found, find.Bind(name).Step());
  return found ? absl::OkStatus() : BlobIsMissing(name);
}

// Ends with what is there; more than `ref` says is not read.
absl::StatusOr<std::string> ReadChunks(Connection& db, const BlobRef& ref) {
  std::string bytes;
  for (int64_t index = 0; static_cast<int64_t>(bytes.size()) <= ref.size; ++index) {
    ASSIGN_OR_RETURN(Statement select,
                     db.Prepare("SELECT bytes FROM blob_chunks WHERE name = ? AND index = ?"));
    ASSIGN_OR_RETURN(const bool more, select.Bind(ref.name).Bind(index).Step());
    if (!more) break;
    bytes += select.Bytes(0);
  }
  return bytes;
}

}  // namespace

absl::Duration PostgresBlobStore::TimeoutOf(int64_t size) const {
  return database_->options().call_timeout + absl::Seconds(1) * (size / kMinBytesPerSecond);
}

absl::StatusOr<BlobRef> PostgresBlobStore::Write(absl::string_view name,
                                                 absl::string_view bytes) const {
  RETURN_IF_ERROR(CheckBlobName(name));
  const BlobRef blob = {std::string(name), static_cast<int64_t>(bytes.size()), Sha256Hex(bytes)};
  const auto write = [&](Connection& db) -> absl::Status {
    RETURN_IF_ERROR(RemoveRow(db, name));
    RETURN_IF_ERROR(InsertRow(db, blob));
    return InsertChunks(db, name, bytes);
  };
  RETURN_IF_ERROR(database_->Transact(PgConnection::Mode::kWrite, TimeoutOf(blob.size), write));
  return blob;
}

absl::StatusOr<std::string> PostgresBlobStore::Read(const BlobRef& ref) const {
  RETURN_IF_ERROR(CheckBlobName(ref.name));
  std::string bytes;
  const auto read = [&](Connection& db) -> absl::Status {
    RETURN_IF_ERROR(CheckThere(db, ref.name));
    ASSIGN_OR_RETURN(bytes, ReadChunks(db, ref));
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(database_->Transact(PgConnection::Mode::kRead, TimeoutOf(ref.size), read));
  RETURN_IF_ERROR(CheckBlob(ref, bytes));
  return bytes;
}

absl::Status PostgresBlobStore::Remove(absl::string_view name) const {
  RETURN_IF_ERROR(CheckBlobName(name));
  return database_->Write([&](Connection& db) { return RemoveRow(db, name); });
}

absl::StatusOr<std::vector<std::string>> PostgresBlobStore::List(absl::Duration min_age) const {
  using Names = std::vector<std::string>;
  return database_->Read<Names>([&](Connection& db) -> absl::StatusOr<Names> {
    ASSIGN_OR_RETURN(Statement select,
                     db.Prepare("SELECT name FROM blobs WHERE time <= ? ORDER BY name"));
    select.Bind(absl::ToUnixMicros(db.Now() - min_age));
    Names names;
    while (true) {
      ASSIGN_OR_RETURN(const bool more, select.Step());
      if (!more) return names;
      names.push_back(select.Bytes(0));
    }
  });
}

}  // namespace tweedie::postgres
