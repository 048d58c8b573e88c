#include "tests/chaos/fault_vfs.h"

#include <cstring>

namespace tweedie {
namespace {

using Verdict = FaultVfs::Verdict;

// SQLite gives room for this and, behind it, the real file.
struct FaultFile {
  sqlite3_file base;
  FaultVfs* faults;
  sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};

FaultFile* Of(sqlite3_file* file) { return reinterpret_cast<FaultFile*>(file); }
sqlite3_file* RealOf(sqlite3_file* file) { return Of(file)->real(); }
const sqlite3_io_methods& MethodsOf(sqlite3_file* file) { return *RealOf(file)->pMethods; }
FaultVfs* Of(sqlite3_vfs* vfs) { return static_cast<FaultVfs*>(vfs->pAppData); }

int Close(sqlite3_file* file) { return MethodsOf(file).xClose(RealOf(file)); }

int Read(sqlite3_file* file, void* data, int size, sqlite3_int64 offset) {
  if (Of(file)->faults->Next() == Verdict::kFail) return SQLITE_IOERR_READ;
  return MethodsOf(file).xRead(RealOf(file), data, size, offset);
}

int Write(sqlite3_file* file, const void* data, int size, sqlite3_int64 offset) {
  const Verdict verdict = Of(file)->faults->Next();
  if (verdict == Verdict::kFail) return SQLITE_IOERR_WRITE;
  if (verdict == Verdict::kLie) return SQLITE_OK;
  return MethodsOf(file).xWrite(RealOf(file), data, size, offset);
}

int Truncate(sqlite3_file* file, sqlite3_int64 size) {
  if (Of(file)->faults->Next() == Verdict::kFail) return SQLITE_IOERR_TRUNCATE;
  return MethodsOf(file).xTruncate(RealOf(file), size);
}

int Sync(sqlite3_file* file, int flags) {
  if (Of(file)->faults->Next() == Verdict::kFail) return SQLITE_IOERR_FSYNC;
  return MethodsOf(file).xSync(RealOf(file), flags);
}

int FileSize(sqlite3_file* file, sqlite3_int64* size) {
  if (Of(file)->faults->Next() == Verdict::kFail) return SQLITE_IOERR_FSTAT;
  return MethodsOf(file).xFileSize(RealOf(file), size);
}

int ShmMap(sqlite3_file* file, int page, int page_size, int extend, void volatile** memory) {
  if (Of(file)->faults->Next() == Verdict::kFail) return SQLITE_IOERR_SHMMAP;
  return MethodsOf(file).xShmMap(RealOf(file), page, page_size, extend, memory);
}

// Locks are no I/O: they pass.
int Lock(sqlite3_file* file, int level) { return MethodsOf(file).xLock(RealOf(file), level); }
int Unlock(sqlite3_file* file, int level) { return MethodsOf(file).xUnlock(RealOf(file), level); }
int CheckReservedLock(sqlite3_file* file, int* result) {
  return MethodsOf(file).xCheckReservedLock(RealOf(file), result);
}
int FileControl(sqlite3_file* file, int operation, void* argument) {
  return MethodsOf(file).xFileControl(RealOf(file), operation, argument);
}
int SectorSize(sqlite3_file* file) { return MethodsOf(file).xSectorSize(RealOf(file)); }
int DeviceCharacteristics(sqlite3_file* file) {
  return MethodsOf(file).xDeviceCharacteristics(RealOf(file));
}
int ShmLock(sqlite3_file* file, int offset, int count, int flags) {
  return MethodsOf(file).xShmLock(RealOf(file), offset, count, flags);
}
void ShmBarrier(sqlite3_file* file) { MethodsOf(file).xShmBarrier(RealOf(file)); }
int ShmUnmap(sqlite3_file* file, int remove) {
  return MethodsOf(file).xShmUnmap(RealOf(file), remove);
}

constexpr sqlite3_io_methods kMethods = {
    /*iVersion=*/2,
    Close,
    Read,
    Write,
    Truncate,
    Sync,
    FileSize,
    Lock,
    Unlock,
    CheckReservedLock,
    FileControl,
    SectorSize,
    DeviceCharacteristics,
    ShmMap,
    ShmLock,
    ShmBarrier,
    ShmUnmap,
    /*xFetch=*/nullptr,
    /*xUnfetch=*/nullptr};

int Open(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* out_flags) {
  FaultVfs* const faults = Of(vfs);
  file->pMethods = nullptr;
  if (faults->Next() == Verdict::kFail) return SQLITE_CANTOPEN;
  Of(file)->faults = faults;
  sqlite3_vfs* const real = faults->real();
  const int code = real->xOpen(real, name, RealOf(file), flags, out_flags);
  if (RealOf(file)->pMethods != nullptr) file->pMethods = &kMethods;
  return code;
}

int Delete(sqlite3_vfs* vfs, const char* name, int sync_folder) {
  if (Of(vfs)->Next() == Verdict::kFail) return SQLITE_IOERR_DELETE;
  return Of(vfs)->real()->xDelete(Of(vfs)->real(), name, sync_folder);
}

int Access(sqlite3_vfs* vfs, const char* name, int flags, int* result) {
  if (Of(vfs)->Next() == Verdict::kFail) return SQLITE_IOERR_ACCESS;
  return Of(vfs)->real()->xAccess(Of(vfs)->real(), name, flags, result);
}

}  // namespace

FaultVfs::FaultVfs() : real_(sqlite3_vfs_find(nullptr)), vfs_(*real_) {
  vfs_.zName = "fault";
  vfs_.pNext = nullptr;
  vfs_.szOsFile = static_cast<int>(sizeof(FaultFile)) + real_->szOsFile;
  vfs_.pAppData = this;
  vfs_.xOpen = Open;
  vfs_.xDelete = Delete;
  vfs_.xAccess = Access;
  sqlite3_vfs_register(&vfs_, /*makeDflt=*/1);
}

FaultVfs::~FaultVfs() {
  sqlite3_vfs_unregister(&vfs_);
  sqlite3_vfs_register(real_, /*makeDflt=*/1);
}

void FaultVfs::FailAt(int64_t call, Fault fault) {
  calls_ = 0;
  fail_at_ = call;
  fault_ = fault;
}

Verdict FaultVfs::Next() {
  ++calls_;
  if (fail_at_ == 0 || calls_ < fail_at_) return Verdict::kDo;
  if (fault_ == Fault::kKeepsFailing) return Verdict::kFail;
  if (calls_ > fail_at_) return Verdict::kDo;
  return fault_ == Fault::kLies ? Verdict::kLie : Verdict::kFail;
}

}  // namespace tweedie
