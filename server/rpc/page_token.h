#ifndef TWEEDIE_SERVER_RPC_PAGE_TOKEN_H_
#define TWEEDIE_SERVER_RPC_PAGE_TOKEN_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace tweedie {

// The place `cursor` in the listing that `query` (any text that tells it from
// others) selects, as an opaque token.
std::string MakePageToken(int64_t cursor, absl::string_view query);

// The place in a token; nullopt if it is empty. INVALID_ARGUMENT of field
// `page_token` if it is malformed or of another query.
absl::StatusOr<std::optional<int64_t>> ParsePageToken(absl::string_view token,
                                                      absl::string_view query);

// 50 for 0, at most 1000; INVALID_ARGUMENT of field `page_size` if negative.
absl::StatusOr<int> ResolvePageSize(int page_size);

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_RPC_PAGE_TOKEN_H_
