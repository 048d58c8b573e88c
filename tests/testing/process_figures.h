#ifndef TWEEDIE_TESTS_TESTING_PROCESS_FIGURES_H_
#define TWEEDIE_TESTS_TESTING_PROCESS_FIGURES_H_

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <string>

namespace tweedie {

// Of a process that lives, by /proc. -1 if it is not there.
int OpenFilesOf(pid_t pid);
int ThreadsOf(pid_t pid);
int64_t ResidentBytesOf(pid_t pid);

// What GET `path` at 127.0.0.1 answers, its body; empty if it is not 200.
std::string HttpGet(int port, const std::string& path);

// Prometheus' text, by name with labels.
std::map<std::string, double> ParseMetrics(const std::string& text);

}  // namespace tweedie

#endif  // TWEEDIE_TESTS_TESTING_PROCESS_FIGURES_H_
