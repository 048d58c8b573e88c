#include "server/rpc/watch_message.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/wire_format_lite.h>
#include <grpcpp/impl/codegen/proto_utils.h>

#include <memory>
#include <string>

#include "server/rpc/timestamps.h"

namespace tweedie {
namespace {

using google::protobuf::internal::WireFormatLite;
using Bytes = std::shared_ptr<const std::string>;

// What stands before the bytes of a frame: its tag and its length.
void AppendFrameTag(size_t length, std::string& bytes) {
  google::protobuf::io::StringOutputStream stream(&bytes);
  google::protobuf::io::CodedOutputStream coded(&stream);
  coded.WriteTag(WireFormatLite::MakeTag(v1::WatchJobResponse::kFrameFieldNumber,
                                         WireFormatLite::WIRETYPE_LENGTH_DELIMITED));
  coded.WriteVarint32(static_cast<uint32_t>(length));
}

// Of the bytes themselves, which live as long as it does.
grpc::Slice Shared(const Bytes& bytes) {
  const auto let_go = [](void* owner) { delete static_cast<Bytes*>(owner); };
  return {const_cast<char*>(bytes->data()), bytes->size(), let_go, new Bytes(bytes)};
}

}  // namespace

grpc::ByteBuffer WatchMessage(const WatchEvent& event) {
  v1::WatchJobResponse head;
  head.set_sequence(event.sequence);
  SetTime(event.time, *head.mutable_event_time());
  head.set_skipped_events(event.skipped);
  if (const auto* job = std::get_if<std::shared_ptr<const v1::Job>>(&event.what)) {
    *head.mutable_job() = **job;
  } else if (const auto* p = std::get_if<std::shared_ptr<const v1::Progress>>(&event.what)) {
    *head.mutable_progress() = **p;
  }
  std::string bytes = head.SerializeAsString();
  const auto* frame = std::get_if<Bytes>(&event.what);
  if (frame != nullptr) AppendFrameTag((*frame)->size(), bytes);
  const grpc::Slice slices[] = {grpc::Slice(bytes), frame ? Shared(*frame) : grpc::Slice()};
  return {slices, frame != nullptr ? size_t{2} : size_t{1}};
}

}  // namespace tweedie
