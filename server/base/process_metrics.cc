#include "server/base/process_metrics.h"

#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

#include "core/base/descriptors.h"

namespace tweedie {
namespace {

using Metrics = std::map<std::string, double>;

void AddDescriptors(Metrics& values) {
  std::error_code error;
  const std::filesystem::directory_iterator open("/proc/self/fd", error);
  if (!error) {
    const auto count = std::distance(begin(open), end(open));
    values["process_open_fds"] = static_cast<double>(count - 1);  // the folder's own
  }
  if (const int limit = DescriptorLimit(); limit > 0) values["process_max_fds"] = limit;
}

void AddMemory(Metrics& values) {
  std::ifstream file("/proc/self/statm");
  int64_t all = 0, resident = 0;  // in pages
  if (!(file >> all >> resident)) return;
  values["process_resident_memory_bytes"] = static_cast<double>(resident * sysconf(_SC_PAGESIZE));
}

double SecondsOf(const timeval& time) {
  return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
}

void AddProcessorTime(Metrics& values) {
  rusage usage = {};
  if (getrusage(RUSAGE_SELF, &usage) != 0) return;
  values["process_cpu_seconds_total"] = SecondsOf(usage.ru_utime) + SecondsOf(usage.ru_stime);
}

}  // namespace

Metrics ProcessMetrics() {
  Metrics values;
  AddDescriptors(values);
  AddMemory(values);
  AddProcessorTime(values);
  return values;
}

}  // namespace tweedie
