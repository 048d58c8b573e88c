#include "server/rpc/request_message.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/message.h>
#include <google/protobuf/wire_format_lite.h>
#include <grpcpp/support/proto_buffer_reader.h>

namespace tweedie {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::MessageFactory;
using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedInputStream;

// Of a value that is repeated, or unknown, with the growth of what holds it.
constexpr int64_t kScalar = 16;
// Of a string or a message beside its content: pointer, header and what malloc adds.
constexpr int64_t kObject = 64;

// Goes over a message without making it.
class Walk {
 public:
  Walk(CodedInputStream* in, int64_t most) : in_(*in), most_(most) {}

  // False at what is no message of this type, and beyond the most.
  bool Over(const Descriptor& type) {
    total_ += kObject + MessageFactory::generated_factory()->GetPrototype(&type)->SpaceUsedLong();
    while (total_ <= most_) {
      const uint32_t tag = in_.ReadTag();
      if (tag == 0) return in_.ConsumedEntireMessage();
      const int number = WireFormatLite::GetTagFieldNumber(tag);
      if (!OverField(type.FindFieldByNumber(number), WireFormatLite::GetTagWireType(tag))) {
        return false;
      }
    }
    return false;
  }
  int64_t total() const { return total_; }

 private:
  bool OverField(const FieldDescriptor* field, WireFormatLite::WireType type) {
    uint64_t number = 0;
    total_ += kScalar;
    switch (type) {
      case WireFormatLite::WIRETYPE_VARINT:
        return in_.ReadVarint64(&number);
      case WireFormatLite::WIRETYPE_FIXED64:
        return in_.Skip(8);
      case WireFormatLite::WIRETYPE_FIXED32:
        return in_.Skip(4);
      case WireFormatLite::WIRETYPE_LENGTH_DELIMITED:
        return OverDelimited(field);
      default:
        return false;  // groups, of which proto3 has none
    }
  }

  bool OverDelimited(const FieldDescriptor* field) {
    uint32_t length = 0;
    if (!in_.ReadVarint32(&length) || length > static_cast<uint32_t>(INT32_MAX)) return false;
    if (field != nullptr && field->message_type() != nullptr) {
      return OverMessage(*field->message_type(), static_cast<int>(length));
    }
    // Packed values have a byte at least, each.
    total_ += kObject + (field != nullptr && field->is_packable() ? kScalar : 1) * int64_t{length};
    return in_.Skip(static_cast<int>(length));
  }

  bool OverMessage(const Descriptor& type, int length) {
    const auto [limit, depth] = in_.IncrementRecursionDepthAndPushLimit(length);
    // The bytes may end before the message does.
    return depth >= 0 && Over(type) && in_.BytesUntilLimit() == 0 &&
           in_.DecrementRecursionDepthAndPopLimit(limit);
  }

  CodedInputStream& in_;
  const int64_t most_;
  int64_t total_ = 0;
};

}  // namespace

absl::StatusOr<int64_t> ParsedBytes(const grpc::ByteBuffer& bytes, const Descriptor& type,
                                    int64_t most) {
  grpc::ByteBuffer copy = bytes;  // of references
  grpc::ProtoBufferReader reader(&copy);
  CodedInputStream in(&reader);
  Walk walk(&in, most);
  if (walk.Over(type)) return walk.total();
  if (walk.total() > most) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the request holds too many messages: it would take more than ", most, " bytes"));
  }
  return absl::InvalidArgumentError(absl::StrCat("the request is no ", type.full_name()));
}

}  // namespace tweedie
