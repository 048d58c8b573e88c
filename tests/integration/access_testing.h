#ifndef TWEEDIE_TESTS_INTEGRATION_ACCESS_TESTING_H_
#define TWEEDIE_TESTS_INTEGRATION_ACCESS_TESTING_H_

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/sha256.h"
#include "tests/testing/running_server.h"

namespace tweedie {

// An entry of a file of tokens; the token of NAME is `NAME-token`.
inline std::string Entry(const std::string& name, const std::string& role,
                         const std::string& more = "") {
  return absl::StrCat(R"({"name": ")", name, R"(", "role": ")", role, R"(", "token_sha256": ")",
                      Sha256Hex(name + "-token"), "\"", more, "}");
}

// A user, another, a viewer, an operator, and one whose token has expired.
inline std::string UsualEntries() {
  return absl::StrCat(Entry("ada", "user"), ",", Entry("bob", "user"), ",", Entry("eye", "viewer"),
                      ",", Entry("op", "operator"), ",",
                      Entry("old", "operator", R"(, "expires": "2020-01-01T00:00:00Z")"));
}

// A file of tokens in a folder of its own.
class TokensFile {
 public:
  explicit TokensFile(const std::string& entries) { Write(entries); }
  std::string path() const { return folder_.File("tokens.json"); }
  // The whole of it at once.
  void Write(const std::string& entries) const {
    const std::string next = folder_.File("next");
    std::ofstream(next) << R"({"entries": [)" << entries << "]}";
    ASSERT_EQ(chmod(next.c_str(), 0600), 0);
    std::filesystem::rename(next, path());
  }

 private:
  const TempFolder folder_;
};

// Metadata of a call.
using Metadata = std::vector<std::pair<std::string, std::string>>;

inline Metadata Bearer(const std::string& token) { return {{"authorization", "Bearer " + token}}; }
// Of who has the entry NAME.
inline Metadata Of(const std::string& name) { return Bearer(name + "-token"); }

// A call with metadata, and no longer than a minute.
class Call {
 public:
  explicit Call(const Metadata& metadata) {
    for (const auto& [key, value] : metadata) context_.AddMetadata(key, value);
    context_.set_deadline(std::chrono::system_clock::now() + std::chrono::minutes(1));
  }
  grpc::ClientContext* get() { return &context_; }

 private:
  grpc::ClientContext context_;
};

// One RPC of the service.
struct RpcCase {
  std::string method;
  bool changes_jobs = false;
  bool is_of_one_job = false;
  // Makes the call, of the job NAME if it is of one, and returns its status.
  std::function<grpc::Status(v1::Tweedie::Stub&, const Metadata&, const std::string& name)> call;
  bool is_for_operators = false;
};

template <typename Response, typename Reader>
grpc::Status ReadAll(const std::unique_ptr<Reader>& reader) {
  Response response;
  while (reader->Read(&response)) {
  }
  return reader->Finish();
}

// OK once the listing is complete; the stream has no end.
inline grpc::Status WatchListing(v1::Tweedie::Stub& stub, const Metadata& metadata) {
  Call call(metadata);
  const auto reader = stub.WatchJobs(call.get(), v1::WatchJobsRequest());
  v1::WatchJobsResponse response;
  while (reader->Read(&response)) {
    if (!response.listing_complete()) continue;
    call.get()->TryCancel();
    (void)reader->Finish();
    return grpc::Status::OK;
  }
  return reader->Finish();
}

template <typename Request>
Request For(const std::string& name) {
  Request request;
  request.set_name(name);
  return request;
}

// All of them, those that change a job last.
inline std::vector<RpcCase> AllRpcs() {
  using Stub = v1::Tweedie::Stub;
  std::vector<RpcCase> cases;
  cases.push_back({"GetServerInfo", false, false, [](Stub& stub, const Metadata& m, const auto&) {
                     Call call(m);
                     v1::ServerInfo info;
                     return stub.GetServerInfo(call.get(), {}, &info);
                   }});
  cases.push_back({"ListModels", false, false, [](Stub& stub, const Metadata& m, const auto&) {
                     Call call(m);
                     v1::ListModelsResponse response;
                     return stub.ListModels(call.get(), {}, &response);
                   }});
  cases.push_back({"SetLogLevel", false, false,
                   [](Stub& stub, const Metadata& m, const auto&) {
                     Call call(m);
                     v1::SetLogLevelRequest request;
                     request.set_level("info");
                     v1::SetLogLevelResponse response;
                     return stub.SetLogLevel(call.get(), request, &response);
                   },
                   true});
  cases.push_back({"GetModel", false, false, [](Stub& stub, const Metadata& m, const auto&) {
                     Call call(m);
                     v1::Model model;
                     return stub.GetModel(
                         call.get(), For<v1::GetModelRequest>("models/fashion-mnist-32"), &model);
                   }});
  cases.push_back({"GetJob", false, true, [](Stub& stub, const Metadata& m, const auto& name) {
                     Call call(m);
                     v1::Job job;
                     return stub.GetJob(call.get(), For<v1::GetJobRequest>(name), &job);
                   }});
  cases.push_back({"ListJobs", false, false, [](Stub& stub, const Metadata& m, const auto&) {
                     Call call(m);
                     v1::ListJobsResponse response;
                     return stub.ListJobs(call.get(), {}, &response);
                   }});
  cases.push_back({"WatchJob", false, true, [](Stub& stub, const Metadata& m, const auto& name) {
                     Call call(m);
                     return ReadAll<v1::WatchJobResponse>(
                         stub.WatchJob(call.get(), For<v1::WatchJobRequest>(name)));
                   }});
  cases.push_back({"WatchJobs", false, false, [](Stub& stub, const Metadata& m, const auto&) {
                     return WatchListing(stub, m);
                   }});
  cases.push_back(
      {"ReadJobImages", false, true, [](Stub& stub, const Metadata& m, const auto& name) {
         Call call(m);
         return ReadAll<v1::ReadJobImagesResponse>(
             stub.ReadJobImages(call.get(), For<v1::ReadJobImagesRequest>(name)));
       }});
  cases.push_back(
      {"ReadJobMeasurement", false, true, [](Stub& stub, const Metadata& m, const auto& name) {
         Call call(m);
         return ReadAll<v1::ReadJobMeasurementResponse>(
             stub.ReadJobMeasurement(call.get(), For<v1::ReadJobMeasurementRequest>(name)));
       }});
  cases.push_back({"CreateJob", true, false, [](Stub& stub, const Metadata& m, const auto&) {
                     Call call(m);
                     v1::Job job;
                     return stub.CreateJob(call.get(), SampleRequest(1, 1, 1), &job);
                   }});
  cases.push_back({"BatchCreateJobs", true, false, [](Stub& stub, const Metadata& m, const auto&) {
                     Call call(m);
                     v1::BatchCreateJobsRequest request;
                     *request.add_requests() = SampleRequest(1, 1, 1);
                     v1::BatchCreateJobsResponse response;
                     return stub.BatchCreateJobs(call.get(), request, &response);
                   }});
  cases.push_back({"CancelJob", true, true, [](Stub& stub, const Metadata& m, const auto& name) {
                     Call call(m);
                     v1::Job job;
                     return stub.CancelJob(call.get(), For<v1::CancelJobRequest>(name), &job);
                   }});
  cases.push_back({"DeleteJob", true, true, [](Stub& stub, const Metadata& m, const auto& name) {
                     Call call(m);
                     google::protobuf::Empty empty;
                     return stub.DeleteJob(call.get(), For<v1::DeleteJobRequest>(name), &empty);
                   }});
  return cases;
}

}  // namespace tweedie

#endif  // TWEEDIE_TESTS_INTEGRATION_ACCESS_TESTING_H_
