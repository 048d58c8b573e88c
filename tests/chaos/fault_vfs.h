#ifndef TWEEDIE_TESTS_CHAOS_FAULT_VFS_H_
#define TWEEDIE_TESTS_CHAOS_FAULT_VFS_H_

#include <sqlite3.h>

#include <cstdint>

namespace tweedie {

// SQLite's files through a layer that fails as it is told. It is SQLite's
// default as long as it lives; every database opened meanwhile is closed before.
// Used by one thread at a time.
class FaultVfs {
 public:
  enum class Fault {
    kFails,         // one call returns an I/O error and does nothing
    kKeepsFailing,  // that call and all after it
    kLies,          // that call says that it was done, if it is a write
  };

  FaultVfs();
  ~FaultVfs();
  FaultVfs(const FaultVfs&) = delete;
  FaultVfs& operator=(const FaultVfs&) = delete;

  // Call number `call` from now on, from 1. Zero: none.
  void FailAt(int64_t call, Fault fault);
  // Since FailAt().
  int64_t calls() const { return calls_; }

  // For the layer's own functions: counts a call, and tells what is to happen to
  // it.
  enum class Verdict { kDo, kFail, kLie };
  Verdict Next();

  sqlite3_vfs* real() const { return real_; }

 private:
  sqlite3_vfs* const real_;
  sqlite3_vfs vfs_;
  int64_t calls_ = 0;
  int64_t fail_at_ = 0;
  Fault fault_ = Fault::kFails;
};

}  // namespace tweedie

#endif  // TWEEDIE_TESTS_CHAOS_FAULT_VFS_H_
