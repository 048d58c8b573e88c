#include "tests/testing/raw_call.h"

#include <grpcpp/generic/generic_stub.h>

namespace tweedie {
namespace {

// Waits for the one thing that is under way.
bool Await(grpc::CompletionQueue& queue) {
  void* tag = nullptr;
  bool ok = false;
  return queue.Next(&tag, &ok) && ok;
}

}  // namespace

grpc::Status RawCall(const std::shared_ptr<grpc::Channel>& channel, const std::string& method,
                     const std::string& request, std::chrono::milliseconds patience,
                     int most_messages) {
  grpc::GenericStub stub(channel);
  grpc::CompletionQueue queue;
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + patience);
  const auto call = stub.PrepareCall(&context, method, &queue);
  call->StartCall(nullptr);
  Await(queue);
  const grpc::Slice slice(request);
  call->WriteLast(grpc::ByteBuffer(&slice, 1), grpc::WriteOptions(), nullptr);
  Await(queue);
  bool has_enough = false;
  grpc::ByteBuffer message;
  for (int read = 0;; ++read) {
    call->Read(&message, nullptr);
    if (!Await(queue)) break;
    if (read + 1 < most_messages || has_enough) continue;
    has_enough = true;
    context.TryCancel();
  }
  grpc::Status status;
  call->Finish(&status, nullptr);
  Await(queue);
  queue.Shutdown();
  return has_enough ? grpc::Status::OK : status;
}

}  // namespace tweedie
