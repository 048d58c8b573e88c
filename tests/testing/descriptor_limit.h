#ifndef TWEEDIE_TESTS_TESTING_DESCRIPTOR_LIMIT_H_
#define TWEEDIE_TESTS_TESTING_DESCRIPTOR_LIMIT_H_

#include <gtest/gtest.h>
#include <sys/resource.h>

namespace tweedie {

// While it lives, this process may have so many descriptors, as may what it starts.
class DescriptorLimit {
 public:
  explicit DescriptorLimit(rlim_t limit) {
    EXPECT_EQ(getrlimit(RLIMIT_NOFILE, &before_), 0);
    const rlimit few = {limit, before_.rlim_max};
    EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
  }
  ~DescriptorLimit() { setrlimit(RLIMIT_NOFILE, &before_); }
  DescriptorLimit(const DescriptorLimit&) = delete;
  DescriptorLimit& operator=(const DescriptorLimit&) = delete;

 private:
  rlimit before_ = {};
};

}  // namespace tweedie

#endif  // TWEEDIE_TESTS_TESTING_DESCRIPTOR_LIMIT_H_
