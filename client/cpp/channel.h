#ifndef TWEEDIE_CLIENT_CPP_CHANNEL_H_
#define TWEEDIE_CLIENT_CPP_CHANNEL_H_

#include <grpcpp/channel.h>

#include <memory>
#include <string>

namespace tweedie {

// A channel to `target`: HOST:PORT, [IPV6]:PORT, or unix:PATH. Connects when
// first used. Not encrypted. Destroy it on the thread that made it, never in a
// callback of gRPC (grpc#37198).
std::shared_ptr<grpc::Channel> MakeChannel(const std::string& target);

}  // namespace tweedie

#endif  // TWEEDIE_CLIENT_CPP_CHANNEL_H_
