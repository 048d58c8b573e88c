#include "server/convert/request_digest.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include "core/base/sha256.h"

namespace tweedie {
namespace {

void ClearIgnored(v1::Job* job) {
  job->clear_name();
  job->clear_state();
  job->clear_progress();
  job->clear_error();
  job->clear_num_images();
  job->clear_metrics();
  job->clear_creator();
  job->clear_attempt();
  job->clear_crashes();
  job->clear_server();
  job->clear_device();
  job->clear_weights_sha256();
  job->clear_traceparent();
  job->clear_create_time();
  job->clear_start_time();
  job->clear_end_time();
  job->clear_expire_time();
}

}  // namespace

std::string SerializeDeterministically(const google::protobuf::MessageLite& message) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    message.SerializeToCodedStream(&coded);
  }  // the streams trim `bytes` as they end
  return bytes;
}

std::string RequestDigest(const v1::CreateJobRequest& request) {
  v1::CreateJobRequest canonical = request;
  canonical.clear_request_id();
  canonical.clear_validate_only();
  if (canonical.has_job()) ClearIgnored(canonical.mutable_job());
  return Sha256Hex(SerializeDeterministically(canonical));
}

}  // namespace tweedie
