#ifndef TWEEDIE_TESTS_TESTING_LOOPBACK_SERVICE_H_
#define TWEEDIE_TESTS_TESTING_LOOPBACK_SERVICE_H_

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace tweedie {

// A service on a free port of 127.0.0.1, without TLS, from now until Stop() or its end.
class LoopbackService {
 public:
  explicit LoopbackService(grpc::Service* service) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(service);
    server_ = builder.BuildAndStart();
    EXPECT_NE(server_, nullptr);
  }
  ~LoopbackService() { Stop(); }
  LoopbackService(const LoopbackService&) = delete;
  LoopbackService& operator=(const LoopbackService&) = delete;

  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  // Waits for the calls that there are.
  void Stop() {
    if (server_ != nullptr) server_->Shutdown();
    server_.reset();
  }

 private:
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace tweedie

#endif  // TWEEDIE_TESTS_TESTING_LOOPBACK_SERVICE_H_
