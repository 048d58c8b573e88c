#include "tests/testing/process_figures.h"

#include <dirent.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "tests/testing/loopback.h"

namespace tweedie {
namespace {

// The number behind `key` in /proc/PID/status.
int64_t StatusOf(pid_t pid, const std::string& key) {
  std::ifstream status(absl::StrCat("/proc/", pid, "/status"));
  for (std::string line; std::getline(status, line);) {
    if (line.rfind(key + ":", 0) == 0) return std::atoll(line.c_str() + key.size() + 1);
  }
  return -1;
}

// All that the server sends until it closes.
std::string Exchange(int port, const std::string& request) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = Loopback(port);
  std::string answer;
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 &&
      send(fd, request.data(), request.size(), MSG_NOSIGNAL) ==
          static_cast<ssize_t>(request.size())) {
    char buffer[4096];
    for (ssize_t n; (n = recv(fd, buffer, sizeof(buffer), 0)) > 0;) {
      answer.append(buffer, static_cast<size_t>(n));
    }
  }
  close(fd);
  return answer;
}

}  // namespace

int OpenFilesOf(pid_t pid) {
  DIR* const folder = opendir(absl::StrCat("/proc/", pid, "/fd").c_str());
  if (folder == nullptr) return -1;
  int count = 0;
  while (const dirent* entry = readdir(folder)) count += entry->d_name[0] != '.';
  closedir(folder);
  return count;
}

int ThreadsOf(pid_t pid) { return static_cast<int>(StatusOf(pid, "Threads")); }

int64_t ResidentBytesOf(pid_t pid) {
  const int64_t kibibytes = StatusOf(pid, "VmRSS");
  return kibibytes < 0 ? -1 : kibibytes * 1024;
}

std::string HttpGet(int port, const std::string& path) {
  const std::string answer = Exchange(
      port,
      absl::StrCat("GET ", path, " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"));
  const size_t body = answer.find("\r\n\r\n");
  const bool ok = answer.rfind("HTTP/1.1 200", 0) == 0 && body != std::string::npos;
  return ok ? answer.substr(body + 4) : "";
}

std::map<std::string, double> ParseMetrics(const std::string& text) {
  std::map<std::string, double> values;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const size_t space = line.rfind(' ');
    if (line.empty() || line[0] == '#' || space == std::string::npos) continue;
    values[line.substr(0, space)] = std::atof(line.c_str() + space + 1);
  }
  return values;
}

}  // namespace tweedie
