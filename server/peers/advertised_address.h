#ifndef TWEEDIE_SERVER_PEERS_ADVERTISED_ADDRESS_H_
#define TWEEDIE_SERVER_PEERS_ADVERTISED_ADDRESS_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace tweedie {

// Where the other servers of the queue reach one that listens on `listening`
// (HOST:PORT or unix:PATH): `advertise` if it is given; otherwise `listening`,
// with `host` in place of a wildcard, and a path made absolute. INVALID_ARGUMENT
// for the field `advertise`.
absl::StatusOr<std::string> AdvertisedAddress(const std::string& advertise,
                                              absl::string_view listening, absl::string_view host);

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_PEERS_ADVERTISED_ADDRESS_H_
