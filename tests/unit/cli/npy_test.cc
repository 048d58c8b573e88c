#include "client/cli/npy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <limits>

#include "client/cli/local_file.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_folder.h"

namespace tweedie::cli {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// A version 1.0 file with this header and these values.
template <typename T>
std::string File(const std::string& header, const std::vector<T>& values) {
  std::string file("\x93NUMPY\x01\x00", 8);
  file.push_back(static_cast<char>(header.size() & 0xff));
  file.push_back(static_cast<char>(header.size() >> 8));
  file += header;
  return file.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
}

std::string Header(const std::string& type, const std::string& shape,
                   const std::string& fortran = "False") {
  return "{'descr': '" + type + "', 'fortran_order': " + fortran + ", 'shape': " + shape +
         ", }    \n";
}

// That of numpy.save(file, numpy.array([[1.5, -2]], dtype="float32")), NumPy 1.24.
std::string NumPysOwnFile() {
  std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }";
  header.resize(117, ' ');
  return File<float>(header + "\n", {1.5f, -2.0f});
}

auto IsRefused(const std::string& cause) {
  return StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(cause));
}

TEST(NpyTest, NumPysFilesAreRead) {
  ASSERT_OK_AND_ASSIGN(const Array array, DecodeNpy(NumPysOwnFile()));
  EXPECT_THAT(array.shape, ElementsAre(1, 2));
  EXPECT_THAT(array.values, ElementsAre(1.5f, -2.0f));
}

TEST(NpyTest, FilesAreWrittenAsNumPyDoes) {
  EXPECT_EQ(EncodeNpy({{1, 2}, {1.5f, -2.0f}}), NumPysOwnFile());
}

TEST(NpyTest, EveryShapeComesBack) {
  for (const std::vector<int64_t>& shape : {std::vector<int64_t>{}, {1}, {2, 3}, {1, 1, 2, 2, 2}}) {
    Array array{shape, {}};
    int64_t count = 1;
    for (const int64_t size : shape) count *= size;
    for (int64_t i = 0; i < count; ++i) array.values.push_back(static_cast<float>(i) / 3);
    const std::string file = EncodeNpy(array);
    EXPECT_EQ((file.size() - count * sizeof(float)) % 64, 0);
    ASSERT_OK_AND_ASSIGN(const Array back, DecodeNpy(file));
    EXPECT_EQ(back.shape, shape);
    EXPECT_EQ(back.values, array.values);
  }
}

TEST(NpyTest, DoublesAreRounded) {
  ASSERT_OK_AND_ASSIGN(const Array array, DecodeNpy(File<double>(Header("<f8", "(2,)"), {0.1, 3})));
  EXPECT_THAT(array.values, ElementsAre(0.1f, 3.0f));
}

TEST(NpyTest, ComplexNumbersGetADimensionOfTheirParts) {
  ASSERT_OK_AND_ASSIGN(const Array single,
                       DecodeNpy(File<float>(Header("<c8", "(1, 2)"), {1, 2, 3, 4})));
  EXPECT_THAT(single.shape, ElementsAre(1, 2, 2));
  EXPECT_THAT(single.values, ElementsAre(1, 2, 3, 4));
  ASSERT_OK_AND_ASSIGN(const Array twice, DecodeNpy(File<double>(Header("<c16", "()"), {5, 6})));
  EXPECT_THAT(twice.shape, ElementsAre(2));
}

TEST(NpyTest, OtherTypesAndOrdersAreRefused) {
  for (const char* type : {">f4", "<i4", "|u1", "|O", "<f2"}) {
    EXPECT_THAT(DecodeNpy(File<float>(Header(type, "(1,)"), {1})), IsRefused(type));
  }
  EXPECT_THAT(DecodeNpy(File<float>(Header("<f4", "(1,)", "True"), {1})),
              IsRefused("ascontiguousarray"));
  EXPECT_THAT(DecodeNpy(File<float>("{'descr': [('a', '<f4')], 'fortran_order': False,"
                                    " 'shape': (1,), }",
                                    {1})),
              IsRefused("plain array"));
}

TEST(NpyTest, SizeMustBeTheShapes) {
  EXPECT_THAT(DecodeNpy(File<float>(Header("<f4", "(2,)"), {1})), IsRefused("4 bytes"));
  EXPECT_THAT(DecodeNpy(File<float>(Header("<f4", "(1,)"), {1, 2})), IsRefused("8 bytes"));
  EXPECT_THAT(DecodeNpy(File<float>(Header("<f4", "(0,)"), {})), IsRefused("size of 0"));
  // 2^54 values: their product must not wrap.
  EXPECT_THAT(DecodeNpy(File<float>(Header("<f4", "(134217728, 134217728)"), {1})),
              IsRefused("malformed"));
}

TEST(NpyTest, ValuesMustBeFinite) {
  EXPECT_THAT(
      DecodeNpy(File<float>(Header("<f4", "(2,)"), {1, std::numeric_limits<float>::quiet_NaN()})),
      IsRefused("value 1 is not finite"));
  EXPECT_THAT(DecodeNpy(File<double>(Header("<f8", "(1,)"), {1e300})), IsRefused("not finite"));
}

TEST(NpyTest, EveryCutIsRefused) {
  const std::string file = NumPysOwnFile();
  for (size_t size = 0; size < file.size(); ++size) {
    EXPECT_FALSE(DecodeNpy(file.substr(0, size)).ok()) << size;
  }
}

TEST(NpyTest, FileIsNamed) {
  const TempFolder folder;
  ASSERT_OK(WriteLocalFile(folder.File("y.npy"), "text"));
  EXPECT_THAT(ReadNpyFile(folder.File("y.npy")).status().message(),
              HasSubstr(folder.File("y.npy") + ": not a .npy file"));
}

TEST(TensorTest, ValuesComeBack) {
  ASSERT_OK_AND_ASSIGN(const Array array, ToArray(ToTensor({{2, 1}, {3, 4}})));
  EXPECT_THAT(array.shape, ElementsAre(2, 1));
  EXPECT_THAT(array.values, ElementsAre(3, 4));
}

TEST(TensorTest, SizeMustBeTheShapes) {
  v1::Tensor tensor = ToTensor({{2}, {3, 4}});
  tensor.mutable_shape()->Set(0, 3);
  EXPECT_THAT(ToArray(tensor), StatusIs(absl::StatusCode::kInternal, HasSubstr("shape")));
}

}  // namespace
}  // namespace tweedie::cli
