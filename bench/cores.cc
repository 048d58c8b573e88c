#include "bench/cores.h"

#include <sched.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"

namespace tweedie {
namespace {

bool Put(pid_t thread, const cpu_set_t& cores) {
  return sched_setaffinity(thread, sizeof(cores), &cores) == 0;
}

std::string NameOf(const std::filesystem::path& task) {
  std::string name;
  std::getline(std::ifstream(task / "comm") >> std::ws, name);
  return name;
}

}  // namespace

bool LeaveTheFirstCore() {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  for (unsigned core = 1; core < std::thread::hardware_concurrency(); ++core) {
    CPU_SET(core, &cores);
  }
  return CPU_COUNT(&cores) > 0 && Put(0, cores);
}

bool GiveTheFirstCoreToTheEngine(pid_t tweedied) {
  cpu_set_t first;
  CPU_ZERO(&first);
  CPU_SET(0, &first);
  int moved = 0;
  for (const auto& task :
       std::filesystem::directory_iterator(absl::StrCat("/proc/", tweedied, "/task"))) {
    const std::string name = NameOf(task.path());
    if (name != "engine" && name != "rows") continue;
    moved += Put(std::stoi(task.path().filename()), first) ? 1 : 0;
  }
  return moved >= 2;
}

}  // namespace tweedie
