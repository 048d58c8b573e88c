#include "core/diffusion/row_pool.h"

#include <ATen/Parallel.h>
#include <c10/util/Exception.h>

#include <utility>

#include "core/base/thread_name.h"

namespace tweedie {
namespace {

std::exception_ptr Try(const std::function<void(int64_t)>& work, int64_t row) {
  try {
    work(row);
  } catch (...) {
    return std::current_exception();
  }
  return nullptr;
}

}  // namespace

RowPool::RowPool(int num_threads) {
  TORCH_CHECK(num_threads >= 1, "num_threads must be at least 1; was ", num_threads);
  workers_.reserve(static_cast<size_t>(num_threads));
  for (int i = 0; i < num_threads; ++i) workers_.emplace_back([this] { Work(); });
}

RowPool::~RowPool() {
  {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
  }
  for (std::thread& worker : workers_) worker.join();
}

void RowPool::Run(int64_t num_rows, const std::function<void(int64_t)>& work) {
  absl::MutexLock lock(&mu_);
  call_ = Call();
  call_.work = &work;
  call_.num_rows = num_rows;
  mu_.Await(absl::Condition(this, &RowPool::IsDone));
  const Call done = std::exchange(call_, Call());
  if (done.error) std::rethrow_exception(done.error);
}

void RowPool::Work() {
  NameThisThread("rows");
  at::set_num_threads(1);
  absl::MutexLock lock(&mu_);
  while (true) {
    mu_.Await(absl::Condition(this, &RowPool::HasWork));
    if (stopping_) return;
    const int64_t row = call_.next_row++;
    const std::function<void(int64_t)>& work = *call_.work;
    mu_.Unlock();
    const std::exception_ptr error = Try(work, row);
    mu_.Lock();
    if (error && (!call_.error || row < call_.failed_row)) {
      call_.error = error;
      call_.failed_row = row;
    }
    ++call_.rows_done;
  }
}

}  // namespace tweedie
