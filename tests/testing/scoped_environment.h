#ifndef TWEEDIE_TESTS_TESTING_SCOPED_ENVIRONMENT_H_
#define TWEEDIE_TESTS_TESTING_SCOPED_ENVIRONMENT_H_

#include <cstdlib>
#include <string>
#include <utility>

namespace tweedie {

// A variable of the environment, of this process and of those that it starts,
// while this lives; unset after. Not thread-safe.
class ScopedEnvironment {
 public:
  ScopedEnvironment(std::string name, const std::string& value) : name_(std::move(name)) {
    setenv(name_.c_str(), value.c_str(), /*overwrite=*/1);
  }
  ~ScopedEnvironment() { unsetenv(name_.c_str()); }
  ScopedEnvironment(const ScopedEnvironment&) = delete;
  ScopedEnvironment& operator=(const ScopedEnvironment&) = delete;

 private:
  const std::string name_;
};

// Servers that are started while it lives have these failpoints (failpoint.h); an
// empty text is none.
class ScopedFailpoints {
 public:
  explicit ScopedFailpoints(const std::string& text) : variable_("TWEEDIE_FAILPOINTS", text) {}

 private:
  const ScopedEnvironment variable_;
};

}  // namespace tweedie

#endif  // TWEEDIE_TESTS_TESTING_SCOPED_ENVIRONMENT_H_
