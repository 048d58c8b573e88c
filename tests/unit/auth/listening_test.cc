#include "server/auth/listening.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/testing/status_matchers.h"

namespace tweedie {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(ListeningTest, WhichAddressesAreThisMachinesAlone) {
  for (const char* address : {"127.0.0.1:7433", "127.8.9.1:0", "[::1]:7433", "localhost:7433",
                              "unix:/run/t", "unix:t", "[::ffff:127.0.0.1]:1"}) {
    EXPECT_TRUE(IsLocalAddress(address)) << address;
  }
  for (const char* address :
       {"0.0.0.0:7433", "[::]:7433", "10.0.0.1:7433", "128.0.0.1:1", "gpu-1:7433", "*:7433",
        ":7433", "[::2]:1", "localhost.lab:1", "127.0.0.1.lab:1", "vsock:1:2", "dns:localhost:1",
        "", "127.1", "[::1:7433", "[::ffff:10.0.0.1]:1"}) {
    EXPECT_FALSE(IsLocalAddress(address)) << address;
  }
}

struct Row {
  bool has_tls, without_tls, has_tokens, without_tokens;
};

Listening At(const std::string& listen, const std::string& http, const Row& row) {
  Listening listening;
  listening.listen = {listen};
  listening.http = http;
  listening.has_tls = row.has_tls;
  listening.without_tls = row.without_tls;
  listening.has_tokens = row.has_tokens;
  listening.without_tokens = row.without_tokens;
  return listening;
}

TEST(ListeningTest, BeyondThisMachineBothQuestionsMustBeAnswered) {
  for (int bits = 0; bits < 16; ++bits) {
    const Row row{(bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0, (bits & 8) != 0};
    const bool is_answered =
        (row.has_tls || row.without_tls) && (row.has_tokens || row.without_tokens);
    EXPECT_EQ(CheckListening(At("0.0.0.0:7433", "", row)).ok(), is_answered) << bits;
    EXPECT_EQ(CheckListening(At("127.0.0.1:1", "10.0.0.1:80", row)).ok(), is_answered) << bits;
    EXPECT_OK(CheckListening(At("127.0.0.1:1", "127.0.0.1:2", row))) << bits;
    EXPECT_OK(CheckListening(At("unix:/run/t", "", row))) << bits;
  }
}

TEST(ListeningTest, TheMessageSaysWhatToDo) {
  EXPECT_THAT(CheckListening(At("0.0.0.0:7433", "", {})),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("--listen 0.0.0.0:7433"), HasSubstr("--tls-cert"),
                             HasSubstr("--without-tls"), HasSubstr("--tokens-file"),
                             HasSubstr("--without-tokens"))));
  EXPECT_THAT(CheckListening(At("0.0.0.0:7433", "", {.has_tls = true})),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("--tokens-file"), Not(HasSubstr("--tls-cert")))));
  EXPECT_THAT(CheckListening(At("unix:t", "[::]:80", {.without_tokens = true})),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("--http [::]:80"), Not(HasSubstr("--tokens-file")))));
}

TEST(ListeningTest, DashboardIsNotOpenWhereCertificatesAreAskedFor) {
  Listening listening = At("0.0.0.0:7433", "0.0.0.0:80", {.has_tls = true, .without_tokens = true});
  EXPECT_OK(CheckListening(listening));
  listening.has_client_ca = true;
  EXPECT_THAT(CheckListening(listening),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("--http 0.0.0.0:80"), HasSubstr("--tokens-file"),
                             HasSubstr("--dashboard=false"))));
  for (const auto& mend :
       {+[](Listening& l) { l.has_tokens = true; }, +[](Listening& l) { l.has_dashboard = false; },
        +[](Listening& l) { l.http = "127.0.0.1:80"; }, +[](Listening& l) { l.http = ""; }}) {
    Listening mended = listening;
    mend(mended);
    EXPECT_OK(CheckListening(mended));
  }
}

TEST(ListeningTest, OneOfSeveralAddressesIsEnough) {
  Listening listening = At("127.0.0.1:1", "", {});
  listening.listen.push_back("10.0.0.1:7433");
  EXPECT_THAT(CheckListening(listening),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("10.0.0.1:7433")));
}

}  // namespace
}  // namespace tweedie
