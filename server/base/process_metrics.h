#ifndef TWEEDIE_SERVER_BASE_PROCESS_METRICS_H_
#define TWEEDIE_SERVER_BASE_PROCESS_METRICS_H_

#include <map>
#include <string>

namespace tweedie {

// Of this process, what Prometheus' own clients tell of theirs, by the same names:
// descriptors, resident memory, processor time. What the system does not say is left out.
std::map<std::string, double> ProcessMetrics();

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_BASE_PROCESS_METRICS_H_
