#ifndef TWEEDIE_TESTS_INTEGRATION_HOSTILE_CASES_H_
#define TWEEDIE_TESTS_INTEGRATION_HOSTILE_CASES_H_

#include <grpcpp/support/status.h>

#include <string>
#include <vector>

namespace tweedie {

// The job that requests about one are about, and a model.
inline constexpr char kEndedJob[] = "jobs/ended-job";
inline constexpr char kModel[] = "models/fashion-mnist-32";

// A request that must be refused.
struct HostileCase {
  std::string name;
  std::string method;                                                          // `CreateJob`
  std::string request;                                                         // its bytes
  std::vector<grpc::StatusCode> codes = {grpc::StatusCode::INVALID_ARGUMENT};  // one of them
  std::string field = {};  // as BadRequest names it; empty: none
};

// By kind; over 150 in all.
std::vector<HostileCase> HostileNames();
std::vector<HostileCase> HostileReads();
std::vector<HostileCase> HostileEnvelopes();
std::vector<HostileCase> HostileTasks();
std::vector<HostileCase> HostileMeasurements();
std::vector<HostileCase> HostileImages();
std::vector<HostileCase> HostileBatches();
std::vector<HostileCase> HostileBytes();

}  // namespace tweedie

#endif  // TWEEDIE_TESTS_INTEGRATION_HOSTILE_CASES_H_
