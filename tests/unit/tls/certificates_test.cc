#include "server/tls/certificates.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "absl/strings/str_cat.h"
#include "tests/testing/captured_log.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_folder.h"
#include "tests/testing/test_certificates.h"

namespace tweedie {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class CertificatesTest : public ::testing::Test {
 protected:
  CertificatesTest() {
    Put(Pair(1));
    PutFile(Path("ca"), authority_.pem());
  }
  std::string Path(const std::string& name) const { return folder_.File(name); }
  Certificates::Files Files() const { return {Path("cert"), Path("key"), Path("ca")}; }
  TestKeyPair Pair(int serial) const {
    TestAuthority::Wish wish;
    wish.serial = serial;
    return authority_.Issue(wish);
  }
  void Put(const TestKeyPair& pair) const {
    PutFile(Path("cert"), pair.certificate);
    PutFile(Path("key"), pair.key);
  }
  std::unique_ptr<Certificates> MustLoad() {
    auto loaded = Certificates::Load(Files());
    EXPECT_OK(loaded);
    return *std::move(loaded);
  }
  static std::string SerialOf(const Certificates& certificates) {
    return certificates.current()->info.serial;
  }
  // As often as it takes a change that has settled to be taken, and once more.
  static void LookThrice(Certificates& certificates) {
    for (int i = 0; i < 3; ++i) certificates.Look();
  }

  const TempFolder folder_;
  const TestAuthority authority_;
  CapturedLog log_;
};

TEST_F(CertificatesTest, HoldsTheFiles) {
  const TestKeyPair pair = Pair(7);
  Put(pair);
  const auto certificates = MustLoad();
  const auto material = certificates->current();
  EXPECT_EQ(material->chain, pair.certificate);
  EXPECT_EQ(material->key, pair.key);
  EXPECT_EQ(material->client_ca, authority_.pem());
  EXPECT_EQ(material->info.serial, "07");
  EXPECT_THAT(log_.Take(), IsEmpty());
}

TEST_F(CertificatesTest, ANewPairIsTakenAtTheSecondLook) {
  const auto certificates = MustLoad();
  const auto before = certificates->current();
  Put(Pair(2));
  certificates->Look();
  EXPECT_EQ(SerialOf(*certificates), "01");
  certificates->Look();
  EXPECT_EQ(SerialOf(*certificates), "02");
  EXPECT_EQ(before->info.serial, "01") << "who holds the old one goes on with it";
  EXPECT_THAT(log_.Take(), AllOf(HasSubstr("info "), HasSubstr("serial 02")));
  LookThrice(*certificates);
  EXPECT_THAT(log_.Take(), IsEmpty());
}

TEST_F(CertificatesTest, HalfAPairIsNotTakenAndToldOnce) {
  const auto certificates = MustLoad();
  const TestKeyPair next = Pair(2);
  PutFile(Path("cert"), next.certificate);
  certificates->Look();
  EXPECT_THAT(log_.Take(), IsEmpty());
  certificates->Look();
  EXPECT_THAT(log_.Take(), AllOf(HasSubstr("error "), HasSubstr(Path("cert")),
                                 HasSubstr("not that of the certificate")));
  LookThrice(*certificates);
  EXPECT_THAT(log_.Take(), IsEmpty());
  EXPECT_EQ(SerialOf(*certificates), "01");
  PutFile(Path("key"), next.key);
  LookThrice(*certificates);
  EXPECT_EQ(SerialOf(*certificates), "02");
}

TEST_F(CertificatesTest, FilesThatGoOrAreNoPemChangeNothing) {
  const auto certificates = MustLoad();
  PutFile(Path("ca"), "no certificate");
  LookThrice(*certificates);
  EXPECT_THAT(log_.Take(), HasSubstr(Path("ca")));
  std::filesystem::remove(Path("key"));
  LookThrice(*certificates);
  EXPECT_THAT(log_.Take(), HasSubstr(Path("key")));
  EXPECT_EQ(SerialOf(*certificates), "01");
  EXPECT_EQ(certificates->current()->client_ca, authority_.pem());
}

TEST_F(CertificatesTest, AuthoritiesOfClientsAreReadAgainToo) {
  const auto certificates = MustLoad();
  const TestAuthority next("next");
  PutFile(Path("ca"), absl::StrCat(authority_.pem(), next.pem()));
  LookThrice(*certificates);
  EXPECT_THAT(certificates->current()->client_ca, HasSubstr(next.pem()));
}

// As Kubernetes and certbot change them.
TEST_F(CertificatesTest, ALinkThatLeadsElsewhereIsAChange) {
  const TempFolder versions;
  for (int i : {1, 2}) {
    const std::string folder = versions.File(absl::StrCat(i));
    std::filesystem::create_directory(folder);
    const TestKeyPair pair = Pair(i);
    PutFile(folder + "/cert", pair.certificate);
    PutFile(folder + "/key", pair.key);
  }
  std::filesystem::create_directory_symlink(versions.File("1"), versions.File("now"));
  ASSERT_OK_AND_ASSIGN(const auto certificates, Certificates::Load({versions.File("now/cert"),
                                                                    versions.File("now/key"), ""}));
  std::filesystem::create_directory_symlink(versions.File("2"), versions.File("next"));
  std::filesystem::rename(versions.File("next"), versions.File("now"));
  LookThrice(*certificates);
  EXPECT_EQ(SerialOf(*certificates), "02");
  EXPECT_THAT(certificates->current()->client_ca, IsEmpty());
}

TEST_F(CertificatesTest, WhatCannotBeReadAtTheStartIsAnErrorThatNamesTheFile) {
  Certificates::Files files = Files();
  files.key = Path("none");
  EXPECT_THAT(Certificates::Load(files), StatusIs(absl::StatusCode::kNotFound, HasSubstr("none")));
  files = Files();
  files.client_ca = Path("key");
  EXPECT_THAT(Certificates::Load(files),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(Path("key"))));
  PutFile(Path("key"), Pair(2).key);
  EXPECT_THAT(Certificates::Load(Files()),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr(Path("cert")), HasSubstr("not that of the certificate"),
                             Not(HasSubstr("PRIVATE")))));
}

TEST_F(CertificatesTest, WarnsOnceOfACertificateThatIsOutOfDate) {
  TestAuthority::Wish wish;
  wish.not_after = absl::Now() - absl::Minutes(1);
  Put(authority_.Issue(wish));
  const auto certificates = MustLoad();
  EXPECT_THAT(log_.Take(), AllOf(HasSubstr("warning "), HasSubstr(Path("cert"))));
  LookThrice(*certificates);
  EXPECT_THAT(log_.Take(), IsEmpty());
}

TEST_F(CertificatesTest, WarnsOfAKeyThatOthersCanRead) {
  const TestKeyPair pair = Pair(1);
  PutFile(Path("cert"), pair.certificate);
  PutFile(Path("key"), pair.key, 0644);
  MustLoad();
  EXPECT_THAT(log_.Take(), AllOf(HasSubstr("warning "), HasSubstr(Path("key"))));
}

}  // namespace
}  // namespace tweedie
