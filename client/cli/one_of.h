#ifndef TWEEDIE_CLIENT_CLI_ONE_OF_H_
#define TWEEDIE_CLIENT_CLI_ONE_OF_H_

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace tweedie::cli {

// Checks that an option's value is one of `choices`; if not, says which there are, and
// which was probably meant.
CLI::Validator OneOf(std::vector<std::string> choices);

// The choices of an option that is checked by OneOf(); none for others.
std::vector<std::string> ChoicesOf(const CLI::Option& option);

}  // namespace tweedie::cli

#endif  // TWEEDIE_CLIENT_CLI_ONE_OF_H_
