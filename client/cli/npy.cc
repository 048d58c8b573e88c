#include "client/cli/npy.h"

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <optional>
#include <regex>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "client/cli/local_file.h"
#include "core/base/status_macros.h"

namespace tweedie::cli {
namespace {

static_assert(std::endian::native == std::endian::little, "values are copied as they are");

constexpr absl::string_view kMagic("\x93NUMPY", 6);
constexpr int64_t kMaxValues = 1 << 28;
constexpr size_t kMaxHeader = 1 << 16;

// What the header says, and what follows it.
struct File {
  std::string type;  // as `<f4`
  std::vector<int64_t> shape;
  absl::string_view data;
};

absl::Status Malformed(absl::string_view problem) {
  return absl::InvalidArgumentError(absl::StrCat("a malformed .npy file: ", problem));
}

// Takes the header's text off the front of `bytes`.
absl::StatusOr<std::string> TakeHeader(absl::string_view* bytes) {
  if (!absl::ConsumePrefix(bytes, kMagic)) {
    return absl::InvalidArgumentError("not a .npy file");
  }
  if (bytes->size() < 6) return Malformed("it ends early");
  const int major = static_cast<unsigned char>((*bytes)[0]);
  if (major < 1 || major > 3) return Malformed(absl::StrCat("version ", major));
  const size_t width = major == 1 ? 2 : 4;
  size_t size = 0;
  for (size_t i = 0; i < width; ++i) {
    size |= static_cast<size_t>(static_cast<unsigned char>((*bytes)[2 + i])) << (8 * i);
  }
  bytes->remove_prefix(2 + width);
  if (size > kMaxHeader || size > bytes->size()) return Malformed("its header is cut off");
  std::string header(bytes->substr(0, size));
  bytes->remove_prefix(size);
  return header;
}

absl::StatusOr<std::vector<int64_t>> ParseShape(absl::string_view text) {
  std::vector<int64_t> shape;
  for (absl::string_view part : absl::StrSplit(text, ',')) {
    part = absl::StripAsciiWhitespace(part);
    if (part.empty()) continue;
    int64_t size;
    if (!absl::SimpleAtoi(part, &size) || size < 1 || size > kMaxValues) {
      return Malformed(absl::StrCat("a size of ", part));
    }
    shape.push_back(size);
  }
  return shape;
}

// The one that NumPy writes: {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }
absl::Status ParseHeader(const std::string& header, File* file) {
  static const std::regex* const kPattern = new std::regex(
      R"(\s*\{\s*'descr'\s*:\s*'([^']*)'\s*,\s*'fortran_order'\s*:\s*(True|False)\s*,)"
      R"(\s*'shape'\s*:\s*\(([0-9, ]*)\)\s*,?\s*\}\s*)");
  std::smatch match;
  if (!std::regex_match(header, match, *kPattern)) {
    return absl::InvalidArgumentError("a .npy file with a header other than a plain array's");
  }
  if (match[2] == "True") {
    return absl::InvalidArgumentError(
        "a .npy file in Fortran order; save numpy.ascontiguousarray() of it");
  }
  file->type = match[1];
  ASSIGN_OR_RETURN(file->shape, ParseShape(match[3].str()));
  return absl::OkStatus();
}

// The number of values in `shape`; nullopt if it is beyond all bounds.
std::optional<int64_t> NumValues(const std::vector<int64_t>& shape) {
  int64_t count = 1;
  for (const int64_t size : shape) {
    if (size < 1 || count > kMaxValues / size) return std::nullopt;
    count *= size;
  }
  return count;
}

template <typename T>
absl::StatusOr<std::vector<float>> ReadValues(const File& file) {
  const std::optional<int64_t> count = NumValues(file.shape);
  if (!count || file.data.size() != *count * sizeof(T)) {
    return Malformed(absl::StrCat(file.data.size(), " bytes of data for the shape (",
                                  absl::StrJoin(file.shape, ", "), ") of ", file.type));
  }
  std::vector<float> values(static_cast<size_t>(*count));
  for (size_t i = 0; i < values.size(); ++i) {
    T value;
    std::memcpy(&value, file.data.data() + i * sizeof(T), sizeof(T));
    values[i] = static_cast<float>(value);
    if (!std::isfinite(values[i])) {
      return absl::InvalidArgumentError(
          absl::StrCat("a .npy file whose value ", i, " is not finite in float32"));
    }
  }
  return values;
}

}  // namespace

absl::StatusOr<Array> DecodeNpy(absl::string_view bytes) {
  ASSIGN_OR_RETURN(const std::string header, TakeHeader(&bytes));
  File file;
  RETURN_IF_ERROR(ParseHeader(header, &file));
  file.data = bytes;
  if (file.type == "<c8" || file.type == "<c16") {
    file.type = file.type == "<c8" ? "<f4" : "<f8";
    file.shape.push_back(2);
  }
  if (file.type != "<f4" && file.type != "<f8") {
    return absl::InvalidArgumentError(absl::StrCat(
        "a .npy file of type ", file.type, "; must be float32, float64, complex64 or complex128"));
  }
  ASSIGN_OR_RETURN(std::vector<float> values,
                   file.type == "<f4" ? ReadValues<float>(file) : ReadValues<double>(file));
  return Array{std::move(file.shape), std::move(values)};
}

absl::StatusOr<Array> ReadNpyFile(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string bytes, ReadLocalFile(path));
  absl::StatusOr<Array> array = DecodeNpy(bytes);
  if (!array.ok()) return LocalFileError(path, array.status().message());
  return array;
}

std::string EncodeNpy(const Array& array) {
  const char* end = array.shape.size() == 1 ? ",), }" : "), }";
  std::string header = absl::StrCat("{'descr': '<f4', 'fortran_order': False, 'shape': (",
                                    absl::StrJoin(array.shape, ", "), end);
  // The data begin at a multiple of 64 bytes; the header ends with a line end.
  const size_t before = kMagic.size() + 4;
  header.append(63 - (before + header.size()) % 64, ' ');
  header.push_back('\n');
  std::string file = absl::StrCat(kMagic, absl::string_view("\x01\x00", 2));
  file.push_back(static_cast<char>(header.size() & 0xff));
  file.push_back(static_cast<char>(header.size() >> 8));
  const auto* data = reinterpret_cast<const char*>(array.values.data());
  return absl::StrCat(file, header, absl::string_view(data, array.values.size() * sizeof(float)));
}

v1::Tensor ToTensor(const Array& array) {
  v1::Tensor tensor;
  tensor.set_data_type(v1::Tensor::FLOAT32);
  tensor.mutable_shape()->Add(array.shape.begin(), array.shape.end());
  tensor.set_data(array.values.data(), array.values.size() * sizeof(float));
  return tensor;
}

absl::StatusOr<Array> ToArray(const v1::Tensor& tensor) {
  Array array{{tensor.shape().begin(), tensor.shape().end()}, {}};
  const std::optional<int64_t> count = NumValues(array.shape);
  if (tensor.data_type() != v1::Tensor::FLOAT32 || !count ||
      tensor.data().size() != *count * sizeof(float)) {
    return absl::InternalError("the server sent a tensor that is not as its shape says");
  }
  array.values.resize(static_cast<size_t>(*count));
  std::memcpy(array.values.data(), tensor.data().data(), tensor.data().size());
  return array;
}

}  // namespace tweedie::cli
