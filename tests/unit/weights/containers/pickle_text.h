#ifndef TWEEDIE_TESTS_UNIT_WEIGHTS_CONTAINERS_PICKLE_TEXT_H_
#define TWEEDIE_TESTS_UNIT_WEIGHTS_CONTAINERS_PICKLE_TEXT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace tweedie {

// The unsigned number in `count` bytes, least first.
inline std::string Little(uint64_t value, int count) {
  std::string bytes;
  for (int i = 0; i < count; ++i) bytes.push_back(static_cast<char>(value >> (8 * i)));
  return bytes;
}

// Pieces of pickles, as text to be joined.
inline std::string Pickle(const std::string& body) { return absl::StrCat("\x80\x02", body, "."); }
inline std::string Text(const std::string& s) { return absl::StrCat("X", Little(s.size(), 4), s); }
inline std::string Int(int64_t value) {
  return absl::StrCat("\x8a\x08", Little(static_cast<uint64_t>(value), 8));
}
inline std::string Global(const std::string& module, const std::string& name) {
  return absl::StrCat("c", module, "\n", name, "\n");
}
inline std::string Tuple(const std::vector<std::string>& items) {
  std::string text = "(";
  for (const std::string& item : items) text += item;
  return text + "t";
}
inline std::string Ints(const std::vector<int64_t>& values) {
  std::vector<std::string> items;
  for (const int64_t value : values) items.push_back(Int(value));
  return Tuple(items);
}
// {key: value, ...}, of key and value in turn.
inline std::string Dict(const std::vector<std::string>& items) {
  std::string text = "}(";
  for (const std::string& item : items) text += item;
  return text + "u";
}

struct TensorText {
  std::string key = "0";
  std::string type = "FloatStorage";
  int64_t elements = 4;  // of the storage
  int64_t offset = 0;
  std::vector<int64_t> shape = {4};
  std::vector<int64_t> strides = {1};
};
inline std::string StorageOf(const TensorText& t) {
  return absl::StrCat(
      Tuple({Text("storage"), Global("torch", t.type), Text(t.key), Text("cpu"), Int(t.elements)}),
      "Q");
}
inline std::string Tensor(const TensorText& t = {}) {
  return absl::StrCat(Global("torch._utils", "_rebuild_tensor_v2"),
                      Tuple({StorageOf(t), Int(t.offset), Ints(t.shape), Ints(t.strides), "\x89",
                             absl::StrCat(Global("collections", "OrderedDict"), ")R")}),
                      "R");
}

}  // namespace tweedie

#endif  // TWEEDIE_TESTS_UNIT_WEIGHTS_CONTAINERS_PICKLE_TEXT_H_
