#include "net/connecting.h"

#include <algorithm>

#include "absl/time/clock.h"

namespace tweedie {
namespace {

constexpr absl::Duration kSlice = absl::Milliseconds(50);

}  // namespace

void WaitWhileConnecting(grpc::Channel& channel, absl::Duration delay,
                         const std::function<bool()>& is_cancelled) {
  const absl::Time end = absl::Now() + delay;
  while (absl::Now() < end && !is_cancelled()) {
    const absl::Time next = std::min(end, absl::Now() + kSlice);
    const bool is_connected = channel.WaitForConnected(absl::ToChronoTime(next));
    if (is_connected) absl::SleepFor(next - absl::Now());
  }
}

}  // namespace tweedie
