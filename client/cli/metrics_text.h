#ifndef TWEEDIE_CLIENT_CLI_METRICS_TEXT_H_
#define TWEEDIE_CLIENT_CLI_METRICS_TEXT_H_

#include <string>

#include "google/protobuf/repeated_field.h"
#include "tweedie/v1/job.pb.h"

namespace tweedie::cli {

using MetricsList = google::protobuf::RepeatedPtrField<v1::ImageMetrics>;

// A row of what was measured for each image, and of the means if there are
// several; "-" where an image lacks it, no column where all do. "" if nothing
// was measured.
std::string MetricsTable(const MetricsList& metrics);

// The means, as `PSNR 23.1 dB, residual 1.23`; "" if there are neither.
std::string MeansText(const MetricsList& metrics);

}  // namespace tweedie::cli

#endif  // TWEEDIE_CLIENT_CLI_METRICS_TEXT_H_
