#ifndef TWEEDIE_CLIENT_CLI_JOB_TEXT_H_
#define TWEEDIE_CLIENT_CLI_JOB_TEXT_H_

#include <string>
#include <vector>

#include "tweedie/v1/job.pb.h"

namespace tweedie::cli {

// How a job ended, in one line.
std::string OutcomeText(const v1::Job& job);

// All about a job, one `key  value` a line, and the metrics of its images.
std::string DescribeJob(const v1::Job& job);

// The job's task and process: `sample, ddim, 50 steps`.
std::string TaskText(const v1::Job& job);

// A table of jobs, with a heading.
std::string JobTable(const std::vector<v1::Job>& jobs);

}  // namespace tweedie::cli

#endif  // TWEEDIE_CLIENT_CLI_JOB_TEXT_H_
