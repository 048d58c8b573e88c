// Files that lie. Each is refused with a clear error, in a process that may take 64
// MiB and a second.
#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/file.h"
#include "core/weights/containers/checkpoint.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_folder.h"
#include "tests/unit/weights/containers/limited_read.h"
#include "tests/unit/weights/containers/pickle_text.h"
#include "tests/unit/weights/containers/zip_text.h"

namespace tweedie {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

const std::string kFour(16, '\0');  // bytes of a storage of four floats
constexpr int64_t kHuge = std::numeric_limits<int64_t>::max();

auto IsInvalid(const std::string& text) {
  return StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(text));
}

std::string Repeat(const std::string& text, size_t count) {
  std::string all;
  all.reserve(text.size() * count);
  for (size_t i = 0; i < count; ++i) all += text;
  return all;
}

class HostileTest : public testing::Test {
 protected:
  std::string Write(const std::string& bytes, const std::string& name = "file.pt") {
    std::ofstream(folder_.File(name), std::ios::binary | std::ios::trunc) << bytes;
    return folder_.File(name);
  }
  absl::Status Read(const std::string& bytes) { return LimitedRead(Write(bytes)); }
  // Of an archive with this pickle and storages of four floats.
  absl::Status ReadPickle(const std::string& pickle, size_t storages = 1) {
    return Read(MakeZip(TorchMembers(pickle, std::vector<std::string>(storages, kFour))));
  }
  absl::Status ReadTensor(const TensorText& tensor) {
    return ReadPickle(Pickle(Dict({Text("w"), Tensor(tensor)})));
  }
  // Of an archive with one tensor, whose members are changed.
  template <typename Change>
  absl::Status ReadZip(const Change& change, const ZipTail& tail = {}) {
    auto members = TorchMembers(Pickle(Dict({Text("w"), Tensor()})), {kFour});
    change(members);
    return Read(MakeZip(members, tail));
  }
  absl::Status ReadTail(const ZipTail& tail) {
    return ReadZip([](std::vector<ZipMember>&) {}, tail);
  }

  TempFolder folder_;
};

std::string Golden(const std::string& name) {
  return *ReadFile(absl::StrCat(TWEEDIE_SOURCE_DIR, "/tests/golden/containers/", name),
                   int64_t{1} << 20);
}

TEST_F(HostileTest, WhatTheTestsBreakIsReadWhenItIsWhole) {
  EXPECT_OK(ReadTensor({}));
  EXPECT_OK(ReadTail({.zip64 = true}));
  EXPECT_OK(ReadZip([](auto& members) {
    for (ZipMember& member : members) member.zip64 = true;
  }));
}

TEST_F(HostileTest, LimitsOfTheseTestsAreReal) {
  if (!kLimitsHold) GTEST_SKIP() << "not under sanitizers";
  // A tensor of 80 MiB in a file with a hole.
  const std::string path = Write("");
  const std::string header =
      R"({"a":{"dtype":"U8","shape":[83886080],"data_offsets":[0,83886080]}})";
  std::ofstream(path, std::ios::binary) << Little(header.size(), 8) << header;
  std::filesystem::resize_file(path, 8 + header.size() + (80 << 20));
  EXPECT_THAT(LimitedRead(path), StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr(path)));
  EXPECT_OK(LimitedRead(path, uint64_t{200} << 20));
}

TEST_F(HostileTest, TruncationAnywhereIsAnError) {
  for (const std::string name : {"zip-trainer.pt", "legacy-trainer.pt", "plain.safetensors",
                                 "zip-dict.pt", "legacy-dict.pt"}) {
    const std::string bytes = Golden(name);
    for (size_t length = 0; length < bytes.size(); length += 16) {
      const auto read = ReadCheckpoint(Write(bytes.substr(0, length)));
      EXPECT_THAT(read, IsInvalid(folder_.File("file.pt"))) << name << " at " << length;
    }
    EXPECT_THAT(ReadCheckpoint(Write(bytes + "x")), IsInvalid("")) << name;
  }
}

TEST_F(HostileTest, ChangingAnyByteNeverCrashesAndNeverDoesHarm) {
  for (const std::string name : {"zip-net.pt", "legacy-net.pt", "plain.safetensors"}) {
    const std::string bytes = Golden(name);
    for (size_t i = 0; i < bytes.size(); i += 7) {
      for (const char c : {'\0', '.', '\xff', '\x7f', '('}) {
        std::string changed = bytes;
        changed[i] = c;
        const auto read = ReadCheckpoint(Write(changed));
        if (!read.ok()) {
          EXPECT_THAT(read, IsInvalid("")) << name << " at " << i;
        }
      }
    }
  }
}

TEST_F(HostileTest, OtherFilesAreRefusedForWhatTheyLookLike) {
  EXPECT_THAT(Read(""), IsInvalid("it is empty"));
  EXPECT_THAT(Read("version https://git-lfs.github.com/spec/v1\n"), IsInvalid("git-lfs"));
  EXPECT_THAT(Read("\n<!DOCTYPE html><html>"), IsInvalid("HTML"));
  EXPECT_THAT(Read("GGUF\x03"), IsInvalid("GGUF"));
  EXPECT_THAT(Read(std::string(257, '\0') + "ustar  "), IsInvalid("tar archive"));
  EXPECT_THAT(Read("\x80\x04}."), IsInvalid("a pickle that torch.save did not write"));
  EXPECT_THAT(Read("\x89HDF\r\n"), IsInvalid("HDF5"));
  EXPECT_THAT(Read("{\"a\": 1}"), IsInvalid("JSON"));
  EXPECT_THAT(Read("PK\x05\x06"), IsInvalid("zip archive that is empty"));
  EXPECT_THAT(Read("\x01\x02\x03"), IsInvalid("begins with the bytes 010203"));
  EXPECT_THAT(LimitedRead(folder_.path()), IsInvalid("is not a regular file"));
  EXPECT_THAT(LimitedRead(folder_.File("none")),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("none")));
}

TEST_F(HostileTest, CodeIsNotRun) {
  const std::string call = absl::StrCat(Tuple({Text("touch ran")}), "R");
  EXPECT_THAT(ReadPickle(Pickle(Global("posix", "system") + call)),
              IsInvalid("pickle: refuses global 'posix system' at byte 2"));
  EXPECT_THAT(ReadPickle("\x80\x04" + Text("os") + Text("system") + "\x93" + call + "."),
              IsInvalid("refuses global 'os system' at byte 20"));
  for (const auto& [module, name] :
       std::vector<std::pair<std::string, std::string>>{{"builtins", "eval"},
                                                        {"__builtin__", "getattr"},
                                                        {"torch", "load"},
                                                        {"torch._utils", "_rebuild_tensor_v3"},
                                                        {"torch", "OrderedDict"},
                                                        {"collections", "OrderedDict\\n"},
                                                        {"", ""},
                                                        {"os\xff", "x"}}) {
    EXPECT_THAT(ReadPickle(Pickle(Global(module, name))), IsInvalid("refuses global '"));
  }
  EXPECT_THAT(ReadPickle(Pickle("(" + Text("ls") + "ios\nsystem\n")),
              IsInvalid("refuses opcode INST at byte 10"));
  EXPECT_THAT(ReadPickle(Pickle(")\x81")), IsInvalid("refuses opcode NEWOBJ at byte 3"));
  EXPECT_THAT(ReadPickle(Pickle(")\xff")), IsInvalid("refuses unknown opcode 0xff at byte 3"));
  EXPECT_THAT(ReadPickle(Pickle(Global("torch", "FloatStorage") + ")R")),
              IsInvalid("a call of a storage class"));
  EXPECT_FALSE(std::filesystem::exists("ran"));
}

TEST_F(HostileTest, OpcodesAreHeldToTheirBounds) {
  EXPECT_THAT(ReadPickle("}."), IsInvalid("begins without PROTO"));
  EXPECT_THAT(ReadPickle("\x80\x05}."), IsInvalid("refuses protocol 5"));
  EXPECT_THAT(ReadPickle(Pickle("\x80\x02}")), IsInvalid("a second PROTO at byte 2"));
  EXPECT_THAT(ReadPickle("\x80\x04\x95" + Little(1000, 8) + "}."),
              IsInvalid("a frame of 1000 bytes"));
  EXPECT_THAT(ReadPickle("\x80\x04\x95" + Little(~uint64_t{0}, 8) + "}."), IsInvalid("a frame of"));
  EXPECT_THAT(ReadPickle(Pickle("\x8a\xff")), IsInvalid("an integer of 255 bytes"));
  EXPECT_THAT(ReadPickle(Pickle("\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19")),
              IsInvalid("an integer of 10 bytes"));
  EXPECT_THAT(ReadPickle(Pickle("X" + Little(0xffffffff, 4))),
              IsInvalid("a string of 4294967295 bytes"));
  EXPECT_THAT(ReadPickle(Pickle("X" + Little(1 << 20, 4))), IsInvalid("ends early"));
  EXPECT_THAT(ReadPickle(Pickle("}r" + Little(0xffffffff, 4))), IsInvalid("memo entries"));
  EXPECT_THAT(ReadPickle(Pickle("h\x05")), IsInvalid("memo entry 5 is not there"));
  EXPECT_THAT(ReadPickle(Pickle("")), IsInvalid("leaves 0 values"));
  EXPECT_THAT(ReadPickle(Pickle("}}")), IsInvalid("leaves 2 values"));
  EXPECT_THAT(ReadPickle(Pickle("}(")), IsInvalid("1 marks"));
  EXPECT_THAT(ReadPickle(Pickle("N\x86")), IsInvalid("stack is empty"));
  EXPECT_THAT(ReadPickle(Pickle("N(\x85")), IsInvalid("stack is empty"));
  EXPECT_THAT(ReadPickle(Pickle("t")), IsInvalid("no mark is set"));
  EXPECT_THAT(ReadPickle(Pickle("}(Nu")), IsInvalid("a key without a value"));
  EXPECT_THAT(ReadPickle(Pickle("NNa")), IsInvalid("adds to what is no list"));
  EXPECT_THAT(ReadPickle(Pickle("N}b")), IsInvalid("a state for what is no OrderedDict"));
  EXPECT_THAT(ReadPickle(Pickle("}") + "}"), IsInvalid("1 bytes follow its STOP"));
  EXPECT_THAT(ReadPickle(Pickle("c" + std::string(300, 'a'))), IsInvalid("over 256 bytes"));
}

TEST_F(HostileTest, BombsDoNotExpand) {
  EXPECT_THAT(ReadPickle(Pickle(Repeat("(", 65))), IsInvalid("more than 64 marks"));
  EXPECT_THAT(ReadPickle(Pickle("N" + Repeat("\x85", 64))), IsInvalid("no state dict"));
  EXPECT_THAT(ReadPickle(Pickle("N" + Repeat("\x85", 65))), IsInvalid("deeper than 64"));
  EXPECT_THAT(ReadPickle(Pickle("N" + Repeat("\x85", 100'000))), IsInvalid("deeper than 64"));
  EXPECT_THAT(ReadPickle(Pickle("]" + Repeat("]a", 10) + Repeat("(", 3))), IsInvalid("marks"));
  EXPECT_THAT(ReadPickle(Pickle(Repeat("N0", 2'000'000))), IsInvalid("refuses opcode POP"));
  EXPECT_THAT(ReadPickle(Pickle(Repeat("}", 2'000'000))), IsInvalid("more than 24 MiB"));
  EXPECT_THAT(ReadPickle(Pickle("}q\x01" + Repeat("h\x01", 2'000'000))),
              IsInvalid("more than 1,000,000 opcodes"));
  EXPECT_THAT(ReadPickle(Pickle(Repeat(Text(std::string(1 << 20, 'x')), 40))),
              IsInvalid("more than 24 MiB"));
  EXPECT_THAT(ReadPickle(Pickle(Repeat(Global("torch._utils", "_rebuild_parameter"), 900'000))),
              IsInvalid("more than"));
  // Each level holds the one before ten times: 10^50 if it were expanded.
  std::string levels = "(]q\x01";
  for (int i = 0; i < 50; ++i) levels += "](" + Repeat("h\x01", 10) + "eq\x01";
  EXPECT_THAT(ReadPickle(Pickle(levels + "t")), IsInvalid("no state dict"));
  // A dict in itself.
  EXPECT_THAT(ReadPickle(Pickle("}q\x01" + Text("model") + "h\x01s")), IsInvalid("no state dict"));
  EXPECT_THAT(ReadPickle(Pickle("]q\x01h\x01\x61")), IsInvalid("more than 8"));
}

TEST_F(HostileTest, TensorsStayInTheirStorages) {
  const std::string beyond = "a tensor of shape [";
  EXPECT_THAT(ReadTensor({.shape = {5}}), IsInvalid(beyond));
  EXPECT_THAT(ReadTensor({.offset = 1}), IsInvalid(beyond));
  EXPECT_THAT(ReadTensor({.offset = -1}), IsInvalid(beyond));
  EXPECT_THAT(ReadTensor({.offset = kHuge}), IsInvalid(beyond));
  EXPECT_THAT(ReadTensor({.shape = {4}, .strides = {-1}}), IsInvalid("numbers from 0"));
  EXPECT_THAT(ReadTensor({.shape = {-4}, .strides = {1}}), IsInvalid("numbers from 0"));
  EXPECT_THAT(ReadTensor({.shape = {4}, .strides = {2}}), IsInvalid(beyond));
  EXPECT_THAT(ReadTensor({.shape = {4}, .strides = {1, 1}}), IsInvalid(beyond));
  EXPECT_THAT(ReadTensor({.shape = {kHuge}, .strides = {1}}), IsInvalid(beyond));
  EXPECT_THAT(ReadTensor({.shape = {kHuge, kHuge}, .strides = {0, 0}}), IsInvalid(beyond));
  EXPECT_THAT(ReadTensor({.shape = {1 << 20}, .strides = {0}}), IsInvalid(beyond));
  EXPECT_THAT(ReadTensor({.shape = {3, kHuge}, .strides = {kHuge, 1}}), IsInvalid(beyond));
  EXPECT_THAT(ReadTensor({.shape = {0, kHuge, kHuge}, .strides = {1, 1, 1}}), IsInvalid(beyond));
  EXPECT_THAT(ReadTensor({.offset = 5, .shape = {0}, .strides = {1}}), IsInvalid(beyond));
  EXPECT_OK(ReadTensor({.offset = 4, .shape = {0}, .strides = {1}}));
  const std::vector<int64_t> nine(9, 1);
  EXPECT_THAT(ReadTensor({.shape = nine, .strides = nine}), IsInvalid("more than 8 dimensions"));
}

TEST_F(HostileTest, StoragesHaveTheSizeThatThePickleSays) {
  EXPECT_THAT(ReadTensor({.elements = 5}), IsInvalid("storage '0' has 16 bytes in the file"));
  EXPECT_THAT(ReadTensor({.elements = 3, .shape = {3}}), IsInvalid("3 elements, 12 bytes"));
  EXPECT_THAT(ReadTensor({.type = "DoubleStorage"}), IsInvalid("4 elements, 32 bytes"));
  EXPECT_THAT(ReadTensor({.elements = kHuge}), IsInvalid("a storage of 9223372036854775807"));
  EXPECT_THAT(ReadTensor({.elements = -1}), IsInvalid("a storage of -1 elements"));
  EXPECT_THAT(ReadTensor({.key = "7"}), IsInvalid("storage '7' is not in the file"));
  EXPECT_THAT(ReadTensor({.key = "../data.pkl"}), IsInvalid("is not in the file"));
  EXPECT_THAT(ReadTensor({.type = "ComplexFloatStorage"}),
              IsInvalid("refuses global 'torch Complex"));
  EXPECT_THAT(
      ReadPickle(Pickle(Dict({Text("a"), Tensor(), Text("b"), Tensor({.type = "IntStorage"})}))),
      IsInvalid("storage '0' is described twice"));
}

TEST_F(HostileTest, PersistentIdsAreStorages) {
  const std::string type = Global("torch", "FloatStorage");
  const auto read = [&](const std::vector<std::string>& id) {
    return ReadPickle(Pickle(Tuple(id) + "Q"));
  };
  EXPECT_THAT(read({Text("module"), type, Text("0"), Text("cpu"), Int(4)}),
              IsInvalid("persistent id"));
  EXPECT_THAT(read({Text("storage"), type, Text("0"), Text("cpu")}), IsInvalid("persistent id"));
  EXPECT_THAT(read({Text("storage"), type, Text("0"), Text("cpu"), Int(4), Int(0)}),
              IsInvalid("part of another"));
  EXPECT_THAT(read({Text("storage"), Global("torch", "Size"), Text("0"), Text("cpu"), Int(4)}),
              IsInvalid("no storage"));
  EXPECT_THAT(ReadPickle(Pickle("NQ")), IsInvalid("persistent id"));
}

TEST_F(HostileTest, ManyViewsOfOneStorageTakeNoMoreThanIt) {
  const std::string big(size_t{4} << 20, '\0');
  const std::string view =
      Tensor({.elements = 1 << 20, .shape = {1024, 1024}, .strides = {1, 1024}});
  std::string items = "}(";
  for (int i = 0; i < 1000; ++i) items += Text(absl::StrCat("w", i)) + view;
  EXPECT_THAT(Read(MakeZip(TorchMembers(Pickle(items + "u"), {big}))),
              IsInvalid("tensors overlap"));
}

TEST_F(HostileTest, KeysAreUniqueAndShortStrings) {
  EXPECT_THAT(ReadPickle(Pickle(Dict({Text("a"), Tensor(), Text("a"), Tensor()}))),
              IsInvalid("key 'a' is there twice"));
  EXPECT_THAT(ReadPickle(Pickle(Dict({Int(1), Tensor()}))), IsInvalid("a key that is no string"));
  EXPECT_THAT(ReadPickle(Pickle(Dict({Text(std::string(1025, 'k')), Tensor()}))),
              IsInvalid("a key of over 1024 bytes"));
  EXPECT_THAT(ReadPickle(Pickle(Dict({Text("module.a"), Tensor(), Text("a"), Tensor()}))),
              IsInvalid("have one name without their prefix"));
  EXPECT_THAT(ReadPickle(Pickle(Dict({Text("step"), Int(3)}))),
              IsInvalid("holds no state dict: no tensors; its keys are: step"));
  EXPECT_THAT(ReadPickle(Pickle("N")), IsInvalid("neither a dict nor a list"));
}

TEST_F(HostileTest, ZipEntriesAreStoredOnceEachInTheirPlace) {
  const auto with = [&](const auto& change) {
    return ReadZip([&](std::vector<ZipMember>& members) { change(members[2]); });
  };
  EXPECT_THAT(with([](ZipMember& m) { m.method = 8; }), IsInvalid("is compressed (method 8)"));
  EXPECT_THAT(with([](ZipMember& m) { m.flags = 1; }), IsInvalid("is encrypted"));
  EXPECT_THAT(with([](ZipMember& m) { m.flags = 64; }), IsInvalid("has flags 64"));
  EXPECT_THAT(with([](ZipMember& m) { m.compressed = 15; }), IsInvalid("has 15 bytes, and 16"));
  EXPECT_THAT(with([](ZipMember& m) { m.size = 17; }), IsInvalid("overlap"));
  EXPECT_THAT(with([](ZipMember& m) { m.size = 0xfffffff0; }), IsInvalid("overlap"));
  EXPECT_THAT(with([](ZipMember& m) { m.size = 12; }), IsInvalid("has 12 bytes in the file"));
  EXPECT_THAT(with([](ZipMember& m) { m.crc = 1; }), IsInvalid("its CRC-32 is wrong"));
  EXPECT_THAT(with([](ZipMember& m) { m.offset = 0; }), IsInvalid("archive/data"));
  EXPECT_THAT(with([](ZipMember& m) { m.offset = 1'000'000; }),
              IsInvalid("begins behind the directory"));
  EXPECT_THAT(with([](ZipMember& m) { m.local_name = "archive/data/9"; }), IsInvalid("disagrees"));
  EXPECT_THAT(with([](ZipMember& m) { m.name = "archive/version"; }), IsInvalid("is there twice"));
  EXPECT_THAT(ReadZip([](auto& members) { members[0].crc = 1; }),
              IsInvalid("archive/data.pkl' is damaged"));
}

TEST_F(HostileTest, ZipNamesStayInOneFolder) {
  const auto named = [&](const std::string& name) {
    return ReadZip([&](std::vector<ZipMember>& members) { members[2].name = name; });
  };
  EXPECT_THAT(named("archive/../data/0"), IsInvalid("has `..` in its name"));
  EXPECT_THAT(named("/archive/data/0"), IsInvalid("has no relative name"));
  EXPECT_THAT(named("archive\\data\\0"), IsInvalid("has no relative name"));
  EXPECT_THAT(named(std::string("archive/da\0ta", 13)), IsInvalid("has no relative name"));
  EXPECT_THAT(named(""), IsInvalid("length of its name"));
  EXPECT_THAT(named(std::string(2000, 'x')), IsInvalid("length of its name"));
  EXPECT_THAT(named("other/data/0"), IsInvalid("is not in one folder"));
  EXPECT_THAT(named("archive/code/a.py"), IsInvalid("TorchScript"));
  EXPECT_THAT(named("archive/constants.pkl"), IsInvalid("TorchScript"));
}

TEST_F(HostileTest, ZipFormatIsKnown) {
  EXPECT_THAT(ReadZip([](auto& members) { members[1].bytes = "big"; }),
              IsInvalid("byteorder 'big'"));
  EXPECT_THAT(ReadZip([](auto& members) { members[3].bytes = "4"; }), IsInvalid("version '4'"));
  EXPECT_THAT(ReadZip([](auto& members) { members.pop_back(); }), IsInvalid("version ''"));
  EXPECT_THAT(ReadZip([](auto& members) { members.erase(members.begin()); }),
              IsInvalid("no data.pkl"));
  EXPECT_THAT(ReadZip([](auto& members) { members[3].bytes = std::string(100, '3'); }),
              IsInvalid("is too long"));
}

TEST_F(HostileTest, ZipEndTellsTheTruth) {
  for (const bool zip64 : {false, true}) {
    EXPECT_THAT(ReadTail({.zip64 = zip64, .entries = 3}), IsInvalid("more than its entries"));
    EXPECT_THAT(ReadTail({.zip64 = zip64, .entries = 5}), IsInvalid("is damaged"));
    EXPECT_THAT(ReadTail({.zip64 = zip64, .entries = 60'000}), IsInvalid("more entries"));
    EXPECT_THAT(ReadTail({.zip64 = zip64, .begin = 0}), IsInvalid("directory said to have"));
    EXPECT_THAT(ReadTail({.zip64 = zip64, .bytes = 0}), IsInvalid("directory said to have"));
    EXPECT_THAT(ReadTail({.zip64 = zip64, .disk = 1}), IsInvalid("in several parts"));
  }
  const uint64_t all = ~uint64_t{0};
  EXPECT_THAT(ReadTail({.zip64 = true, .entries = all}), IsInvalid("more entries"));
  EXPECT_THAT(ReadTail({.zip64 = true, .begin = all}), IsInvalid("directory said to have"));
  EXPECT_THAT(ReadTail({.zip64 = true, .bytes = all}), IsInvalid("directory said to have"));
  EXPECT_THAT(ReadTail({.zip64 = true, .begin = 1, .bytes = all}),
              IsInvalid("directory said to have"));
  EXPECT_THAT(ReadTail({.zip64 = true, .end64 = 0}),
              IsInvalid("zip64 end record said to be at byte 0"));
  EXPECT_THAT(ReadTail({.zip64 = true, .end64 = all}), IsInvalid("zip64 end record"));
  EXPECT_OK(ReadTail({.zip64 = true, .old_entries = 4}));
  EXPECT_THAT(ReadTail({.zip64 = true, .old_entries = 5}), IsInvalid("two end records disagree"));
  EXPECT_THAT(ReadTail({.comment = "hello"}), IsInvalid("does not end with an end record"));
}

TEST_F(HostileTest, Zip64FieldsTellTheTruth) {
  const auto with = [&](const auto& change) {
    return ReadZip([&](std::vector<ZipMember>& members) {
      members[2].zip64 = true;
      change(members[2]);
    });
  };
  EXPECT_OK(with([](ZipMember&) {}));
  EXPECT_THAT(with([](ZipMember& m) { m.size = ~uint64_t{0}; }), IsInvalid("overlap"));
  EXPECT_THAT(with([](ZipMember& m) { m.offset = ~uint64_t{0}; }),
              IsInvalid("behind the directory"));
  EXPECT_THAT(with([](ZipMember& m) { m.extra = Little(2, 2) + Little(0, 2); }),
              IsInvalid("lacks its zip64"));
  EXPECT_THAT(with([](ZipMember& m) { m.extra = Little(1, 2) + Little(8, 2) + Little(0, 8); }),
              IsInvalid("zip64 field is too short"));
  EXPECT_THAT(with([](ZipMember& m) { m.extra = Little(1, 2) + Little(900, 2); }),
              IsInvalid("damaged"));
}

TEST_F(HostileTest, ManyEntriesAreBounded) {
  std::vector<ZipMember> members;
  for (int i = 0; i < 120'000; ++i)
    members.push_back({.name = absl::StrCat("archive/data/", i), .bytes = ""});
  EXPECT_THAT(Read(MakeZip(members, {.zip64 = true})), IsInvalid("120000 entries"));
  members.resize(90'000);
  EXPECT_THAT(Read(MakeZip(members, {.zip64 = true})), IsInvalid("no data.pkl"));
}

TEST_F(HostileTest, SafetensorsHeadersAreBounded) {
  const auto read = [&](const std::string& header, const std::string& data = "") {
    return Read(absl::StrCat(Little(header.size(), 8), header, data));
  };
  const std::string rest = R"(":{"dtype":"U8","shape":[0],"data_offsets":[0,0]})";
  std::string many = "{\"__metadata__\":{}";
  for (int i = 0; i < 99'999; ++i) absl::StrAppend(&many, ",\"", std::string(100, 'x'), i, rest);
  EXPECT_THAT(read(many + ",\"y" + rest + "}", "z"), IsInvalid("the file has 1 after its header"));
  EXPECT_THAT(read(many + ",\"y" + rest + ",\"z" + rest + "}"),
              IsInvalid("more than 100,000 tensors"));
  std::string metadata = "{\"__metadata__\":{\"\":\"\"";
  for (int i = 0; i < 1'000'000; ++i) absl::StrAppend(&metadata, ",\"", i, "\":\"\"");
  EXPECT_THAT(read(metadata + "}}"), IsInvalid("more than 10,000 metadata"));
  EXPECT_THAT(read(Repeat("{\"a\":", 1'000'000)), IsInvalid("unknown key"));
  EXPECT_THAT(read("{" + std::string(14'000'000, '[')), IsInvalid("no JSON"));
  EXPECT_THAT(Read(Little(uint64_t{1} << 62, 8) + "{"),
              IsInvalid("header of 4611686018427387904 bytes"));
  EXPECT_THAT(Read(Little(kHuge, 8) + "{}"), IsInvalid("header of"));
}

std::string Legacy(const std::string& object, const std::string& keys, const std::string& rest,
                   const std::string& system = Dict({Text("little_endian"), "\x88"})) {
  return absl::StrCat(Pickle("\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"),
                      Pickle("M" + Little(1001, 2)), Pickle(system), Pickle(object), Pickle(keys),
                      rest);
}

TEST_F(HostileTest, LegacyFilesEndWithTheirStorages) {
  const std::string object = Dict({Text("w"), Tensor()}), keys = "](" + Text("0") + "e";
  const std::string storage = Little(4, 8) + kFour;
  EXPECT_OK(Read(Legacy(object, keys, storage)));
  EXPECT_THAT(Read(Legacy(object, keys, storage + "x")),
              IsInvalid("1 bytes follow the last storage"));
  EXPECT_THAT(Read(Legacy(object, keys, Little(5, 8) + kFour)),
              IsInvalid("has 5 elements in the file, 4"));
  EXPECT_THAT(Read(Legacy(object, keys, Little(~uint64_t{0}, 8) + kFour)),
              IsInvalid("elements in the file"));
  EXPECT_THAT(Read(Legacy(object, "]", "")), IsInvalid("storage '0' is not in the file"));
  EXPECT_THAT(Read(Legacy(object, "](" + Text("0") + Text("0") + "e", storage + storage)),
              IsInvalid("or one twice"));
  EXPECT_THAT(Read(Legacy(object, "](" + Text("1") + "e", storage)),
              IsInvalid("the key of no storage"));
  EXPECT_THAT(Read(Legacy(object, Text("0"), storage)), IsInvalid("no list of storage keys"));
  EXPECT_THAT(Read(Legacy(object, keys, storage, Dict({Text("little_endian"), "\x89"}))),
              IsInvalid("little_endian"));
  EXPECT_THAT(Read(Legacy(object, keys, storage, "N")), IsInvalid("little_endian"));
  EXPECT_THAT(
      Read(Legacy(Dict({Text("w"), Tensor({.elements = kHuge / 8})}), keys, Little(kHuge / 8, 8))),
      IsInvalid("cut off"));
}

TEST_F(HostileTest, FilesOfPython2AreRead) {
  // An OrderedDict of pairs, and strings of bytes.
  const std::string pair = "](U\x01w" + Tensor() + "e";
  const std::string object = Global("collections", "OrderedDict") + "](" + pair + "e\x85R";
  const std::string path = Write(Legacy(object,
                                        "](U\x01"
                                        "0e",
                                        Little(4, 8) + kFour));
  ASSERT_OK_AND_ASSIGN(const Checkpoint read, ReadCheckpoint(path));
  EXPECT_EQ(read.tensors.count("w"), 1u);
}

TEST_F(HostileTest, ShardsAreTheFilesBesideTheirIndex) {
  const std::string header = R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})";
  const std::string shard = Little(header.size(), 8) + header + "x";
  Write(shard, "one.safetensors");
  const auto read = [&](const std::string& map) {
    return LimitedRead(
        Write(absl::StrCat("{\"weight_map\":{", map, "}}"), "m.safetensors.index.json"));
  };
  EXPECT_OK(read(R"("a":"one.safetensors")"));
  EXPECT_THAT(read(R"("b":"one.safetensors")"), IsInvalid("missing: b; not in the index"));
  EXPECT_THAT(read(R"("a":"one.safetensors","b":"one.safetensors")"), IsInvalid("missing: b"));
  EXPECT_THAT(read(R"("a":"two.safetensors")"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("two")));
  EXPECT_THAT(read(R"("a":"../one.safetensors")"), IsInvalid("no plain name"));
  EXPECT_THAT(read(R"("a":"/etc/passwd")"), IsInvalid("no plain name"));
  EXPECT_THAT(read(R"("a":"..")"), IsInvalid("no plain name"));
  EXPECT_THAT(read(R"("a":"one.safetensors","a":"one.safetensors")"), IsInvalid("a tensor twice"));
  EXPECT_THAT(read(R"("a":1)"), IsInvalid("not the name of a file"));
  EXPECT_THAT(read(R"("a":["one.safetensors"])"), IsInvalid("unexpected array"));
  EXPECT_THAT(read(""), IsInvalid("no `weight_map`"));
  EXPECT_THAT(LimitedRead(Write("[]", "m.safetensors.index.json")), IsInvalid("index"));
  EXPECT_THAT(LimitedRead(Write("{\"weight_map\":{\"a\":", "m.safetensors.index.json")),
              IsInvalid("no JSON"));
  EXPECT_THAT(LimitedRead(Write("{\"other\":1}", "m.safetensors.index.json")),
              IsInvalid("unknown key"));
}

TEST_F(HostileTest, ShardsAreNoLinksOutOfTheirFolder) {
  TempFolder other;
  const std::string header = R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})";
  std::ofstream(other.File("outside")) << Little(header.size(), 8) << header << "x";
  std::filesystem::create_symlink(other.File("outside"), folder_.File("one.safetensors"));
  const std::string index = Write(R"({"weight_map":{"a":"one.safetensors"}})", "m.index.json");
  EXPECT_THAT(LimitedRead(index), IsInvalid("symbolic link to a file outside"));
  std::filesystem::copy_file(other.File("outside"), folder_.File("inside"));
  std::filesystem::remove(folder_.File("one.safetensors"));
  std::filesystem::create_symlink("inside", folder_.File("one.safetensors"));
  EXPECT_OK(LimitedRead(index));
}

}  // namespace
}  // namespace tweedie
