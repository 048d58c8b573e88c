// The JSON API behind the dashboard, over HTTP alone: each path for each kind of caller,
// what browsers let other sites try, malformed and large bodies, and streams of events.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/synchronization/notification.h"
#include "tests/integration/access_testing.h"

namespace tweedie {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr char kJson[] = "application/json";

struct Reply {
  int status = -1;
  std::string body;
  httplib::Headers headers;
  json Json() const { return json::parse(body, nullptr, /*allow_exceptions=*/false); }
  std::string header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? "" : found->second;
  }
};

Reply ToReply(const httplib::Result& result) {
  if (!result) return {};
  return {result->status, result->body, result->headers};
}

httplib::Headers By(const std::string& name) {
  if (name.empty()) return {};
  return {{"Authorization", "Bearer " + name + "-token"}};
}

json SampleJob(int images, int steps) {
  return {{"job",
           {{"model", "models/fashion-mnist-32"},
            {"seed", "1"},
            {"sample", {{"num_images", images}, {"process", {{"num_steps", steps}}}}}}}};
}

class DashboardApiTest : public ::testing::Test {
 protected:
  void Start(const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments = {"--http", "127.0.0.1:0", "--log-level", "info"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    std::string log;
    server_ = ServerProcess::Start(TWEEDIED, ServerArguments(data_.path(), arguments), &log);
    ASSERT_NE(server_, nullptr) << log;
    const std::string kMark = "on http://";
    const size_t begin = log.find(kMark) + kMark.size();
    host_ = log.substr(begin, log.find('\n', begin) - begin);
    http_ = MakeClient();
  }
  std::unique_ptr<httplib::Client> MakeClient() const {
    auto client = std::make_unique<httplib::Client>("http://" + host_);
    client->set_read_timeout(60);
    return client;
  }

  Reply Get(const std::string& path, const httplib::Headers& headers = {}) {
    return ToReply(http_->Get(path, headers));
  }
  Reply Post(const std::string& path, const std::string& body, const httplib::Headers& headers = {},
             const std::string& type = kJson) {
    return ToReply(http_->Post(path, headers, body, type.c_str()));
  }
  Reply Delete(const std::string& path, const httplib::Headers& headers = {}) {
    return ToReply(http_->Delete(path, headers));
  }
  // The path of a new job.
  std::string Create(const json& request, const std::string& who = "") {
    const Reply reply = Post("/api/v1/jobs", request.dump(), By(who));
    EXPECT_EQ(reply.status, 200) << reply.body;
    return absl::StrCat("/api/v1/", reply.Json().value("name", "none"));
  }

  const TempFolder data_;
  std::string host_;
  std::unique_ptr<ServerProcess> server_;
  std::unique_ptr<httplib::Client> http_;
};

// An event as it came.
struct Event {
  std::string id, name;
  json data;
};

Event ParseEvent(absl::string_view text) {
  Event event;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    if (absl::StartsWith(line, "id: ")) event.id = std::string(line.substr(4));
    if (absl::StartsWith(line, "event: ")) event.name = std::string(line.substr(7));
    if (absl::StartsWith(line, "data: ")) event.data = json::parse(std::string(line.substr(6)));
  }
  return event;
}

// Reads events until the stream ends or `go_on` says false. Its status.
int ReadEvents(httplib::Client& client, const std::string& path, const httplib::Headers& headers,
               const std::function<bool(const Event&)>& go_on) {
  std::string text;
  int status = -1;
  (void)client.Get(
      path, headers,
      [&](const httplib::Response& response) {
        status = response.status;
        return true;
      },
      [&](const char* data, size_t size) {
        text.append(data, size);
        for (size_t end = 0; (end = text.find("\n\n")) != std::string::npos;) {
          const std::string part = text.substr(0, end);
          text.erase(0, end + 2);
          if (part[0] != ':' && !go_on(ParseEvent(part))) return false;
        }
        return true;
      });
  return status;
}

TEST_F(DashboardApiTest, AJobIsMadeWatchedReadAndDeleted) {
  Start();
  const std::string job = Create(SampleJob(2, 20));
  std::vector<std::string> ids;
  int frames = 0;
  Event last;
  const int status =
      ReadEvents(*http_, job + "/events?frame_interval=5&frame_kinds=X_T&frame_kinds=X0_HAT", {},
                 [&](const Event& event) {
                   if (!event.id.empty()) ids.push_back(event.id);
                   if (event.data.contains("frame")) ++frames;
                   last = event;
                   return true;
                 });
  EXPECT_EQ(status, 200);
  EXPECT_GT(frames, 0);
  EXPECT_TRUE(std::is_sorted(ids.begin(), ids.end(), [](const auto& a, const auto& b) {
    return std::stoll(a) < std::stoll(b);
  }));
  EXPECT_EQ(last.name, "end");
  EXPECT_EQ(last.data.value("code", 0), 0);
  EXPECT_EQ(Get(job).Json()["state"], "SUCCEEDED");
  const Reply png = Get(job + "/images/1.png");
  EXPECT_EQ(png.status, 200);
  EXPECT_EQ(png.header("Content-Type"), "image/png");
  EXPECT_EQ(png.body.substr(1, 3), "PNG");
  EXPECT_EQ(Get(job + "/images/2.png").status, 404);
  EXPECT_EQ(Get(job + "/measurement/0.png").status, 400) << "a sample measures nothing";
  EXPECT_EQ(Delete(job).status, 200);
  EXPECT_EQ(Get(job).status, 404);
}

TEST_F(DashboardApiTest, AMeasuredJobShowsItsTruthAndMeasurement) {
  Start();
  std::ifstream file(TWEEDIE_SOURCE_DIR "/data/fashion-mnist-test/0000.png", std::ios::binary);
  const std::string truth{std::istreambuf_iterator<char>(file), {}};
  std::string base64;
  absl::Base64Escape(truth, &base64);
  const json task = {{"process", {{"num_steps", 4}}},
                     {"measurement",
                      {{"forward_operator", {{"super_resolution", {{"factor", 2}}}}},
                       {"simulate_from", {{"encoded", {{"files", {base64}}}}}}}}};
  const std::string job = Create({{"job", {{"model", "models/fashion-mnist-32"}, {"dps", task}}}});
  EXPECT_EQ(Get(job + "/measurement/0.png").status, 200);
  const Reply shown = Get(job + "/truth/0.png");
  ASSERT_EQ(shown.status, 200) << shown.body;
  EXPECT_EQ(shown.body.substr(1, 3), "PNG");
  EXPECT_NE(shown.body, Get(job + "/measurement/0.png").body);
  EXPECT_EQ(Get(job + "/truth/1.png").status, 404);
  EXPECT_EQ(Get(job + "/truth/99999999999999999999.png").status, 400);
}

// --- who may -----------------------------------------------------------------

struct PathCase {
  std::string method, path;
  bool changes = false;
};

TEST_F(DashboardApiTest, EachPathAsksWhoCalls) {
  const TokensFile tokens(UsualEntries());
  Start({"--tokens-file", tokens.path()});
  const std::string adas = Create(SampleJob(1, 1000), "ada");
  const std::vector<PathCase> paths = {
      {"GET", "/api/v1/server"},
      {"GET", "/api/v1/models"},
      {"GET", "/api/v1/models/fashion-mnist-32"},
      {"GET", "/api/v1/jobs"},
      {"GET", adas},
      {"GET", adas + "/events"},
      {"GET", "/api/v1/events"},
      {"GET", adas + "/images/0.png"},
      {"GET", adas + "/measurement/0.png"},
      {"GET", adas + "/truth/0.png"},
      {"POST", "/api/v1/jobs", true},
      {"POST", adas + "/cancel", true},
      {"DELETE", adas, true},
  };
  const auto status_of = [&](const PathCase& one, const httplib::Headers& headers) {
    if (one.method == "POST") return Post(one.path, "{}", headers).status;
    if (one.method == "DELETE") return Delete(one.path, headers).status;
    if (!absl::EndsWith(one.path, "/events")) return Get(one.path, headers).status;
    return ReadEvents(*MakeClient(), one.path, headers, [](const Event&) { return false; });
  };
  const std::string is_of_one = adas;
  for (const PathCase& one : paths) {
    EXPECT_EQ(status_of(one, {}), 401) << one.path;
    EXPECT_EQ(status_of(one, {{"Authorization", "Basic ada-token"}}), 401) << one.path;
    EXPECT_EQ(status_of(one, By("old")), 401) << one.path;
    const int viewers = status_of(one, By("eye"));
    EXPECT_EQ(viewers == 403, one.changes) << one.path << " " << viewers;
    // To another user the job is not there.
    const int others = status_of(one, By("bob"));
    EXPECT_EQ(others == 404, absl::StartsWith(one.path, is_of_one)) << one.path << " " << others;
    EXPECT_THAT(others, Not(::testing::AnyOf(401, 403))) << one.path;
  }
  EXPECT_EQ(Post(adas + "/cancel", "", By("ada")).status, 200);
  EXPECT_EQ(Get("/api/v1/jobs", By("bob")).Json().value("jobs", json::array()).size(), 0u);
  EXPECT_EQ(Get("/api/v1/jobs", By("op")).Json()["jobs"].size(), 1u);
  // The page itself is no secret.
  EXPECT_EQ(Get("/").status, 200);
}

TEST_F(DashboardApiTest, GuessesAreSlowedByAddress) {
  const TokensFile tokens(UsualEntries());
  Start({"--tokens-file", tokens.path()});
  Reply reply;
  for (int i = 0; i < 30; ++i) {
    reply = Get("/api/v1/jobs", {{"Authorization", absl::StrCat("Bearer guess-", i)}});
  }
  EXPECT_EQ(reply.status, 429);
  EXPECT_THAT(reply.header("Retry-After"), Not(IsEmpty()));
}

TEST_F(DashboardApiTest, AnOperatorMayActForOthersAndAUserMayNot) {
  const TokensFile tokens(UsualEntries());
  Start({"--tokens-file", tokens.path()});
  httplib::Headers headers = By("op");
  headers.emplace("X-Tweedie-Creator", "ada");
  const Reply made = Post("/api/v1/jobs", SampleJob(1, 1).dump(), headers);
  EXPECT_EQ(made.Json().value("creator", ""), "ada") << made.body;
  headers = By("bob");
  headers.emplace("X-Tweedie-Creator", "ada");
  EXPECT_EQ(Post("/api/v1/jobs", SampleJob(1, 1).dump(), headers).status, 403);
}

// --- other sites -------------------------------------------------------------

TEST_F(DashboardApiTest, PagesOfOtherSitesAreKeptOut) {
  Start({"--http-host", "lab.example,second.example"});
  const std::string body = SampleJob(1, 1).dump();
  EXPECT_EQ(Post("/api/v1/jobs", body, {{"Origin", "http://evil.example"}}).status, 403);
  EXPECT_EQ(Post("/api/v1/jobs", body, {{"Origin", "null"}}).status, 403);
  EXPECT_EQ(Post("/api/v1/jobs", body, {{"Sec-Fetch-Site", "cross-site"}}).status, 403);
  EXPECT_EQ(Get("/api/v1/jobs", {{"Sec-Fetch-Site", "same-site"}}).status, 403);
  for (const std::string type : {"text/plain", "application/x-www-form-urlencoded",
                                 "multipart/form-data; boundary=x", "application/jsonx"}) {
    EXPECT_EQ(Post("/api/v1/jobs", body, {}, type).status, 400) << type;
  }
  EXPECT_EQ(Get("/api/v1/jobs").Json().value("jobs", json::array()).size(), 0u);
  EXPECT_EQ(Get("/api/v1/jobs", {{"Host", "evil.example"}}).status, 403);
  EXPECT_THAT(Get("/api/v1/jobs", {{"Host", "evil.example:80"}}).body, HasSubstr("--http-host"));
  for (const std::string host : {"localhost:7480", "LOCALHOST", "127.0.0.1", "[::1]:80",
                                 "lab.example:7480", "second.example"}) {
    EXPECT_EQ(Get("/api/v1/jobs", {{"Host", host}}).status, 200) << host;
  }
  EXPECT_EQ(Post("/api/v1/jobs", body, {{"Origin", "http://" + host_}}).status, 200);
  EXPECT_EQ(Post("/api/v1/jobs", body, {{"Sec-Fetch-Site", "same-origin"}}).status, 200);
  // No answer invites other origins.
  EXPECT_EQ(Get("/api/v1/jobs").headers.count("Access-Control-Allow-Origin"), 0u);
}

TEST_F(DashboardApiTest, WithTokensAnyNameServes) {
  const TokensFile tokens(UsualEntries());
  Start({"--tokens-file", tokens.path()});
  httplib::Headers headers = By("ada");
  headers.emplace("Host", "tweedie.lab.example");
  EXPECT_EQ(Get("/api/v1/jobs", headers).status, 200);
}

TEST_F(DashboardApiTest, ThePageIsServedWithStrictHeaders) {
  Start();
  const Reply page = Get("/");
  EXPECT_EQ(page.status, 200);
  EXPECT_THAT(page.body, HasSubstr("/dashboard/app.js"));
  EXPECT_THAT(page.header("Content-Security-Policy"), HasSubstr("default-src 'none'"));
  EXPECT_EQ(page.header("X-Content-Type-Options"), "nosniff");
  EXPECT_EQ(page.header("Referrer-Policy"), "no-referrer");
  const Reply again = Get("/", {{"If-None-Match", page.header("ETag")}});
  EXPECT_EQ(again.status, 304);
  EXPECT_THAT(again.body, IsEmpty());
  EXPECT_EQ(Get("/api/v1/jobs").header("Cache-Control"), "no-store");
  for (const std::string path : {"/dashboard/app.jsx", "/dashboard/", "/dashboard/../index.html"}) {
    EXPECT_EQ(Get(path).status, 404) << path;
  }
}

TEST_F(DashboardApiTest, ItCanBeLeftOut) {
  Start({"--dashboard", "false"});
  for (const std::string path : {"/", "/api/v1/jobs", "/dashboard/app.js"}) {
    EXPECT_EQ(Get(path).status, 404) << path;
  }
  EXPECT_EQ(Post("/api/v1/jobs", SampleJob(1, 1).dump()).status, 404);
  EXPECT_EQ(Get("/healthz").status, 200);
}

// --- bad requests ------------------------------------------------------------

TEST_F(DashboardApiTest, WhatIsWrongIsSaidWithItsField) {
  Start();
  EXPECT_EQ(Post("/api/v1/jobs", "{").status, 400);
  EXPECT_THAT(Post("/api/v1/jobs", "[]").body, HasSubstr("CreateJobRequest"));
  EXPECT_THAT(Post("/api/v1/jobs", R"({"jobb": {}})").body, HasSubstr("jobb"));
  std::string deep;
  for (int i = 0; i < 100000; ++i) deep += R"({"job":)";
  EXPECT_EQ(Post("/api/v1/jobs", deep).status, 400);
  json request = SampleJob(1, -5);
  const Reply reply = Post("/api/v1/jobs", request.dump());
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(reply.Json()["code"], 3);
  EXPECT_THAT(reply.body, HasSubstr("job.sample.process.num_steps")) << reply.body;
  EXPECT_THAT(reply.body, HasSubstr("field_violations"));
  EXPECT_THAT(Get("/api/v1/jobs?page_size=many").body, HasSubstr("page_size"));
  EXPECT_THAT(Get("/api/v1/jobs?filter.states=LOST").body, HasSubstr("filter.states"));
  EXPECT_EQ(Get("/api/v1/jobs?nothing=1").status, 400);
  EXPECT_EQ(Get("/api/v1/jobs?filter.labels.set=x&filter.states=QUEUED&page_size=3").status, 200);
  EXPECT_EQ(Get("/api/v1/jobs/none-such").status, 404);
  EXPECT_EQ(Get("/api/v1/jobs/none-such/events").status, 404);
  EXPECT_EQ(Get("/api/v1/jobs/none-such/events", {{"Last-Event-ID", "x"}}).status, 400);
  EXPECT_EQ(Get("/api/v1/none").status, 404);
  for (const std::string value : {"\xff\xfe", "a\x01"}) {
    EXPECT_EQ(Get("/api/v1/jobs", {{"X-Tweedie-Creator", value}}).status, 400);
    EXPECT_EQ(Get("/api/v1/jobs", {{"Authorization", value}}).status, 400);
  }
  EXPECT_EQ(Get("/healthz").status, 200);
}

TEST_F(DashboardApiTest, LargeBodiesAreRefusedAndTheConnectionGoesOn) {
  Start({"--max-request-mebibytes", "1"});
  http_->set_keep_alive(true);
  // More than HTTP takes; more than gRPC takes, which base64 hides from HTTP; nothing's.
  EXPECT_EQ(Post("/api/v1/jobs", std::string(3 << 20, ' ')).status, 413);
  std::string base64;
  absl::Base64Escape(std::string((1 << 20) + 1000, 'x'), &base64);
  json request = SampleJob(1, 1);
  request["job"]["reference"] = {{"encoded", {{"files", {base64}}}}};
  EXPECT_EQ(Post("/api/v1/jobs", request.dump()).status, 429);
  EXPECT_EQ(Post("/nothing", std::string(1 << 20, ' ')).status, 404);
  EXPECT_EQ(Post("/api/v1/jobs", std::string(1 << 20, ' '), {{"Origin", "http://e"}}).status, 403);
  EXPECT_EQ(Get("/api/v1/jobs").status, 200);
}

// --- streams -----------------------------------------------------------------

TEST_F(DashboardApiTest, AStreamGoesOnAfterTheLastEventThatWasRead) {
  Start();
  const std::string job = Create(SampleJob(1, 1000));
  std::string last;
  int count = 0;
  ReadEvents(*MakeClient(), job + "/events", {}, [&](const Event& event) {
    last = event.id;
    return ++count < 5;
  });
  ASSERT_EQ(count, 5);
  std::string first;
  ReadEvents(*MakeClient(), job + "/events", {{"Last-Event-ID", last}}, [&](const Event& event) {
    first = event.id;
    return false;
  });
  ASSERT_THAT(first, Not(IsEmpty()));
  EXPECT_GE(std::stoll(first), std::stoll(last));
  EXPECT_EQ(Get(job + "/events", {{"Last-Event-ID", "999999999999999"}}).status, 400);
  Post(job + "/cancel", "");
}

TEST_F(DashboardApiTest, AllJobsAreListedAndThenFollowed) {
  Start();
  const std::string before = Create(SampleJob(1, 1));
  std::vector<std::string> names;
  std::string after;
  ReadEvents(*MakeClient(), "/api/v1/events", {}, [&](const Event& event) {
    if (event.data.contains("job")) names.push_back(event.data["job"]["name"]);
    if (event.data.value("listing_complete", false)) after = Create(SampleJob(1, 1));
    return after.empty() || !absl::EndsWith(after, names.back());
  });
  ASSERT_GE(names.size(), 2u);
  EXPECT_EQ("/api/v1/" + names.front(), before);
}

// The places of streams are few; health has a thread all the same, and a place is free
// again once its reader is gone.
TEST_F(DashboardApiTest, StreamsAreBounded) {
  Start({"--max-http-streams", "2"});
  const std::string job = Create(SampleJob(1, 1000));
  absl::Notification leave;
  std::vector<std::thread> readers;
  std::atomic<int> reading = 0;
  for (int i = 0; i < 2; ++i) {
    readers.emplace_back([&] {
      bool counted = false;
      ReadEvents(*MakeClient(), "/api/v1/events?include_progress=true", {}, [&](const Event&) {
        if (!std::exchange(counted, true)) ++reading;
        return !leave.HasBeenNotified();
      });
    });
  }
  while (reading < 2) std::this_thread::yield();
  const Reply refused = Get("/api/v1/events");
  EXPECT_EQ(refused.status, 503);
  EXPECT_THAT(refused.header("Retry-After"), Not(IsEmpty()));
  EXPECT_EQ(Get("/healthz").status, 200);
  EXPECT_THAT(Get("/metrics").body, HasSubstr("tweedie_http_streams 2\n"));
  leave.Notify();
  for (std::thread& reader : readers) reader.join();
  int status = 503;
  while (status == 503) {
    status = ReadEvents(*MakeClient(), "/api/v1/events", {}, [](const Event&) { return false; });
  }
  EXPECT_EQ(status, 200);
}

TEST_F(DashboardApiTest, ADrainEndsStreamsAndSaysThatTheyMayComeAgain) {
  Start();
  const std::string job = Create(SampleJob(1, 1000));
  bool stopped = false;
  Event last;
  ReadEvents(*MakeClient(), "/api/v1/events", {}, [&](const Event& event) {
    if (!std::exchange(stopped, true)) kill(server_->pid(), SIGTERM);
    last = event;
    return true;
  });
  EXPECT_EQ(last.name, "end");
  EXPECT_EQ(last.data.value("code", 0), 14);
  EXPECT_EQ(server_->Stop(SIGTERM), 0);
}

// Once the server of RPCs has gone, gRPC's channel to it within the process ends the process.
TEST_F(DashboardApiTest, PagesThatGoOnAskingDoNotDisturbADrain) {
  Start();
  Create(SampleJob(1, 1000));
  std::vector<std::thread> pages;
  for (const char* path : {"/api/v1/jobs", "/api/v1/events", "/api/v1/server", "/api/v1/models"}) {
    pages.emplace_back([this, path] {
      const auto client = MakeClient();
      client->set_keep_alive(true);
      while (client->Get(path, [](const char*, size_t) { return true; })) {
      }
    });
  }
  EXPECT_EQ(Get("/api/v1/server").status, 200);
  EXPECT_EQ(server_->Stop(SIGTERM), 0);
  for (std::thread& page : pages) page.join();
}

TEST_F(DashboardApiTest, ARevokedTokenEndsItsStreams) {
  const TokensFile tokens(UsualEntries());
  Start({"--tokens-file", tokens.path()});
  Event last;
  bool revoked = false;
  ReadEvents(*MakeClient(), "/api/v1/events", By("ada"), [&](const Event& event) {
    if (!std::exchange(revoked, true)) tokens.Write(Entry("bob", "user"));
    last = event;
    return true;
  });
  EXPECT_EQ(last.data.value("code", 0), 16);
}

}  // namespace
}  // namespace tweedie
