#ifndef TWEEDIE_TESTS_TESTING_INVERSE_REQUESTS_H_
#define TWEEDIE_TESTS_TESTING_INVERSE_REQUESTS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "tweedie/v1/tweedie_service.pb.h"

namespace tweedie {

// Requests for the default model that restore images from measurements
// simulated from them.

// Half of the pixels missing at random; no noise.
v1::Measurement HalfMissing(int num_images);

v1::CreateJobRequest DpsRequest(int num_images, int num_steps, uint64_t seed);
// Edits `num_images` guides, from half of the timesteps.
v1::CreateJobRequest SdeditRequest(int num_images, int num_steps, uint64_t seed);

// One request for each task that takes a measurement, by its field in `Job`,
// with about so many steps.
struct NamedRequest {
  std::string task;
  v1::CreateJobRequest request;
};
std::vector<NamedRequest> EveryMeasuredTask(int num_images, int num_steps);

}  // namespace tweedie

#endif  // TWEEDIE_TESTS_TESTING_INVERSE_REQUESTS_H_
