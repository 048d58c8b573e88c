// Where the server could not work, it does not start, and says why.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "tests/testing/error_details.h"
#include "tests/testing/running_server.h"

namespace tweedie {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// What a server that refuses to start says.
std::string Refusal(const std::vector<std::string>& arguments) {
  std::string log;
  auto server = ServerProcess::Start(TWEEDIED, arguments, &log);
  EXPECT_EQ(server, nullptr) << "it started";
  return log;
}

TEST(RefusalTest, DataFolderInUse) {
  RunningServer server;
  EXPECT_THAT(Refusal(ServerArguments(server.data_dir())),
              AllOf(HasSubstr(server.data_dir()), HasSubstr("another server")));
}

TEST(RefusalTest, DataFolderThatIsAFile) {
  TempFolder folder;
  std::ofstream(folder.File("data")) << "x";
  EXPECT_THAT(Refusal(ServerArguments(folder.File("data"))), HasSubstr(folder.File("data")));
}

TEST(RefusalTest, NoModels) {
  TempFolder folder;
  EXPECT_THAT(Refusal(ServerArguments(folder.path(), {"--models-dir", folder.File("none")})),
              HasSubstr("none"));
}

TEST(RefusalTest, DeviceThatIsNotThere) {
  TempFolder folder;
  EXPECT_THAT(Refusal(ServerArguments(folder.path(), {"--device", "cuda:7"})), HasSubstr("cuda:7"));
  EXPECT_THAT(Refusal(ServerArguments(folder.path(), {"--device", "abacus"})), HasSubstr("abacus"));
}

TEST(RefusalTest, PrecisionThatTheDeviceHasNot) {
  TempFolder folder;
  for (const char* precision : {"tf32", "float16"}) {
    EXPECT_THAT(Refusal(ServerArguments(folder.path(), {"--precision", precision})),
                AllOf(HasSubstr(precision), HasSubstr("is for CUDA devices")));
  }
  EXPECT_THAT(Refusal(ServerArguments(folder.path(), {"--precision", "float8"})),
              HasSubstr("float8"));
}

// It would stand in every job.
TEST(RefusalTest, NameThatIsNoText) {
  TempFolder folder;
  for (const std::string name : {"\xff", "a\nb", "lab\x7f"}) {
    EXPECT_THAT(Refusal(ServerArguments(folder.path(), {"--server-name", name})),
                AllOf(HasSubstr("--server-name"), HasSubstr("UTF-8")));
  }
  EXPECT_THAT(Refusal(ServerArguments(folder.path(), {"--server-name", std::string(256, 'a')})),
              HasSubstr("255"));
}

TEST(RefusalTest, AddressInUse) {
  RunningServer server;
  TempFolder folder;
  EXPECT_THAT(Refusal({"--data-dir", folder.path(), "--models-dir", TWEEDIE_SOURCE_DIR "/models",
                       "--listen", server.process().address(), "--http", ""}),
              HasSubstr(server.process().address()));
}

// gRPC would listen on another port instead.
TEST(RefusalTest, PortThatThereIsNot) {
  TempFolder folder;
  for (const char* address : {"127.0.0.1:65536", "localhost:99999"}) {
    EXPECT_THAT(Refusal(ServerArguments(folder.path(), {"--listen", address})),
                AllOf(HasSubstr("HOST:PORT"), HasSubstr(address)));
  }
}

TEST(RefusalTest, PasswordOnTheCommandLine) {
  TempFolder folder;
  for (const char* database :
       {"postgresql://ada:geheim@nowhere/queue", "host=nowhere password=geheim"}) {
    const auto is_refused = AllOf(HasSubstr("PGPASSFILE"), Not(HasSubstr("geheim")));
    EXPECT_THAT(Refusal(ServerArguments(folder.path(), {"--database", database})), is_refused);
    EXPECT_THAT(Refusal(ServerArguments(folder.path(), {std::string("--database=") + database})),
                is_refused);
  }
}

TEST(RefusalTest, DatabaseThatIsAwayWithoutItsPassword) {
  TempFolder folder;
  std::ofstream(folder.File("config"))
      << "database = \"host=" << folder.path() << " user=ada password=geheim\"\n";
  EXPECT_THAT(Refusal(ServerArguments(folder.path(), {"--config", folder.File("config")})),
              AllOf(HasSubstr("cannot open the queue"), HasSubstr(folder.path()),
                    Not(HasSubstr("geheim"))));
}

TEST(RefusalTest, FolderOfBlobsWithoutADatabase) {
  TempFolder folder;
  EXPECT_THAT(Refusal(ServerArguments(folder.path(), {"--blobs-dir", folder.File("blobs")})),
              AllOf(HasSubstr("blobs-dir"), HasSubstr("database")));
}

TEST(RefusalTest, AddressOfOtherMachinesWithoutTlsOrTokens) {
  TempFolder folder;
  const auto refusal = [&](const std::vector<std::string>& more) {
    return Refusal(ServerArguments(folder.path(), more));
  };
  EXPECT_THAT(refusal({"--listen", "0.0.0.0:0"}),
              AllOf(HasSubstr("--listen 0.0.0.0:0"), HasSubstr("--without-tls"),
                    HasSubstr("--without-tokens")));
  EXPECT_THAT(refusal({"--http", "0.0.0.0:0"}), HasSubstr("--http 0.0.0.0:0"));
  EXPECT_THAT(refusal({"--listen", "0.0.0.0:0", "--without-tls"}),
              AllOf(HasSubstr("--tokens-file"), Not(HasSubstr("--tls-cert"))));
  EXPECT_THAT(refusal({"--listen", "0.0.0.0:0", "--without-tokens"}),
              AllOf(HasSubstr("--tls-cert"), Not(HasSubstr("--tokens-file"))));
}

TEST(ListeningTest, OtherMachinesMayComeIfItIsSaidTwice) {
  TempFolder folder;
  std::string log;
  const auto server = ServerProcess::Start(
      TWEEDIED,
      ServerArguments(folder.path(),
                      {"--listen", "0.0.0.0:0", "--without-tls", "--without-tokens"}),
      &log);
  EXPECT_NE(server, nullptr) << log;
}

TEST(ListeningTest, ItMayBeSaidByTheEnvironmentAndTheConfigFile) {
  TempFolder folder;
  std::ofstream(folder.File("tweedied.conf")) << "without-tokens = true\n";
  setenv("TWEEDIE_WITHOUT_TLS", "true", 1);
  std::string log;
  const auto server = ServerProcess::Start(
      TWEEDIED,
      ServerArguments(folder.path(),
                      {"--listen", "0.0.0.0:0", "--config", folder.File("tweedied.conf")}),
      &log);
  unsetenv("TWEEDIE_WITHOUT_TLS");
  EXPECT_NE(server, nullptr) << log;
}

TEST(RefusalTest, BadFileOfTokens) {
  TempFolder folder;
  const std::string path = folder.File("tokens.json");
  const auto refusal = [&] {
    return Refusal(ServerArguments(folder.path(), {"--tokens-file", path}));
  };
  EXPECT_THAT(refusal(), HasSubstr(path));
  std::ofstream(path) << R"({"entries": [{"name": "ada", "role": "king", "certificate": "x"}]})";
  ASSERT_EQ(chmod(path.c_str(), 0600), 0);
  EXPECT_THAT(refusal(), AllOf(HasSubstr(path), HasSubstr("entries[0] (ada): role must be")));
  std::ofstream(path) << R"({"entries": []})";
  ASSERT_EQ(chmod(path.c_str(), 0666), 0);
  EXPECT_THAT(refusal(), AllOf(HasSubstr(path), HasSubstr("written by others")));
}

TEST(RefusalTest, WrongOption) {
  TempFolder folder;
  EXPECT_THAT(Refusal(ServerArguments(folder.path(), {"--max-batch-rows", "many"})),
              AllOf(HasSubstr("max-batch-rows"), HasSubstr("many")));
  EXPECT_THAT(Refusal(ServerArguments(folder.path(), {"--colour", "red"})), HasSubstr("colour"));
}

TEST(RefusalTest, ConfigFileWithAnUnknownKey) {
  TempFolder folder;
  std::ofstream(folder.File("tweedied.conf")) << "colour = red\n";
  EXPECT_THAT(Refusal(ServerArguments(folder.path(), {"--config", folder.File("tweedied.conf")})),
              HasSubstr("colour"));
}

TEST(RefusalTest, DamagedQueue) {
  TempFolder folder;
  std::ofstream(folder.File("queue.sqlite")) << std::string(8192, 'x');
  EXPECT_THAT(Refusal(ServerArguments(folder.path())), HasSubstr("queue.sqlite"));
}

TEST(OptionsTest, EnvironmentAndConfigFileGiveTheSameOptions) {
  TempFolder folder;
  std::ofstream(folder.File("tweedied.conf")) << "max-queued-jobs = 77\nmax-images-per-job = 55\n";
  setenv("TWEEDIE_MAX_IMAGES_PER_JOB", "66", 1);
  std::string log;
  auto server = ServerProcess::Start(
      TWEEDIED, ServerArguments(folder.path(), {"--config", folder.File("tweedied.conf")}), &log);
  unsetenv("TWEEDIE_MAX_IMAGES_PER_JOB");
  ASSERT_NE(server, nullptr) << log;
  TestClient client(server->address());
  grpc::ClientContext context;
  v1::ServerInfo info;
  ASSERT_TRUE(client.stub().GetServerInfo(&context, {}, &info).ok());
  EXPECT_EQ(info.max_queued_jobs(), 77);
  EXPECT_EQ(info.max_images_per_job(), 66);
}

// A model that cannot be loaded disturbs no other, and says why.
TEST(BrokenModelTest, IsFailedAndLeavesTheOthersReady) {
  TempFolder models;
  std::filesystem::create_directory_symlink(TWEEDIE_SOURCE_DIR "/models/fashion-mnist-32",
                                            models.File("fashion-mnist-32"));
  std::filesystem::create_directory(models.File("broken"));
  std::ofstream(models.File("broken/config.json")) << "{\"act_fn\": \"sine\"}";
  RunningServer server({"--models-dir", models.path()});
  grpc::ClientContext context;
  v1::ListModelsResponse response;
  ASSERT_TRUE(server.client().stub().ListModels(&context, {}, &response).ok());
  ASSERT_EQ(response.models_size(), 2);
  EXPECT_EQ(response.models(0).name(), "models/broken");
  EXPECT_EQ(response.models(0).state(), v1::Model::FAILED);
  EXPECT_THAT(response.models(0).error(), HasSubstr("sine"));
  EXPECT_EQ(response.models(1).state(), v1::Model::READY);
  v1::CreateJobRequest request = SampleRequest(1, 1, 1);
  request.mutable_job()->set_model("models/broken");
  v1::Job job;
  EXPECT_EQ(server.client().Create(request, &job).error_code(),
            grpc::StatusCode::FAILED_PRECONDITION);
}

// A checkpoint that names a global in bytes that are no UTF-8: the error with them must
// not make the listing of all models unreadable.
TEST(BrokenModelTest, BytesOfItsFilesAreToldAsText) {
  using std::string_literals::operator""s;
  const std::string header =
      "\x80\x02\x8a\x0al\xfc\x9c\x46\xf9\x20j\xa8P\x19."  // magic number of a legacy file
      "\x80\x02M\xe9\x03."                                // version 1001
      "\x80\x02}(X\x10\x00\x00\x00protocol_versionM\xe9\x03X\x0d\x00\x00\x00little_endian\x88u."s;
  TempFolder models;
  std::ofstream(models.File("bytes.pt"), std::ios::binary) << header
                                                           << "\x80\x02"
                                                              "cut\xaels\nname\n.";
  RunningServer server({"--models-dir", models.path()});
  grpc::ClientContext context;
  v1::ListModelsResponse response;
  const grpc::Status listed = server.client().stub().ListModels(&context, {}, &response);
  ASSERT_TRUE(listed.ok()) << listed.error_message();
  ASSERT_EQ(response.models_size(), 1);
  EXPECT_THAT(response.models(0).error(), HasSubstr("refuses global 'ut\xef\xbf\xbdls name'"));
  v1::CreateJobRequest request = SampleRequest(1, 1, 1);
  request.mutable_job()->set_model("models/bytes");
  v1::Job job;
  const grpc::Status refused = server.client().Create(request, &job);
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_TRUE(FindDetail<google::rpc::ErrorInfo>(refused).has_value());
}

}  // namespace
}  // namespace tweedie
