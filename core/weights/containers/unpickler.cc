#include "core/weights/containers/unpickler.h"

#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "core/base/status_macros.h"
#include "core/weights/containers/little_endian.h"
#include "core/weights/containers/pickle_globals.h"
#include "core/weights/containers/pickle_machine.h"

namespace tweedie {
namespace {

using Kind = PickleKind;
using Ids = std::vector<PickleId>;

constexpr int64_t kMaxPickleBytes = int64_t{64} << 20;
constexpr int64_t kMaxOpcodes = 1'000'000;
constexpr int64_t kMaxStringBytes = int64_t{1} << 20;
constexpr size_t kMaxGlobalBytes = 256;
constexpr absl::string_view kMagic("\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", 10);

absl::Status Invalid(absl::string_view problem) { return absl::InvalidArgumentError(problem); }

// What one opcode works on.
class Unpickler {
 public:
  explicit Unpickler(SequentialReader* source) : source_(*source) {}

  PickleMachine& machine() { return machine_; }

  // An unsigned argument of `bytes` bytes.
  absl::StatusOr<uint64_t> Number(int bytes) {
    ASSIGN_OR_RETURN(const absl::string_view argument, source_.Take(bytes));
    return LittleEndian(argument, 0, static_cast<size_t>(bytes));
  }
  absl::Status Protocol() { return Invalid("a second PROTO"); }
  absl::Status Frame() {
    ASSIGN_OR_RETURN(const uint64_t bytes, Number(8));
    if (bytes <= static_cast<uint64_t>(source_.left())) return absl::OkStatus();
    return Invalid(absl::StrCat("a frame of ", bytes, " bytes, but ", source_.left(), " are left"));
  }
  absl::Status Int(int bytes) {
    ASSIGN_OR_RETURN(const uint64_t value, Number(bytes));
    return machine_.Push(Kind::kInt, static_cast<int64_t>(value));
  }
  absl::Status SignedInt() {
    ASSIGN_OR_RETURN(const uint64_t value, Number(4));
    return machine_.Push(Kind::kInt, static_cast<int32_t>(static_cast<uint32_t>(value)));
  }
  absl::Status Long() {
    ASSIGN_OR_RETURN(const uint64_t bytes, Number(1));
    if (bytes > 8) return Invalid(absl::StrCat("an integer of ", bytes, " bytes; at most 8"));
    ASSIGN_OR_RETURN(uint64_t value, Number(static_cast<int>(bytes)));
    const uint64_t sign = bytes == 0 ? 0 : uint64_t{1} << (8 * bytes - 1);
    if ((value & sign) != 0) value |= ~(sign | (sign - 1));
    return machine_.Push(Kind::kInt, static_cast<int64_t>(value));
  }
  absl::Status Double() {
    ASSIGN_OR_RETURN(const absl::string_view argument, source_.Take(8));
    const std::string reversed(argument.rbegin(), argument.rend());
    double value = 0;
    std::memcpy(&value, reversed.data(), sizeof(value));
    return machine_.PushDouble(value);
  }
  absl::Status String(int length_bytes) {
    ASSIGN_OR_RETURN(const uint64_t bytes, Number(length_bytes));
    if (bytes > kMaxStringBytes) {
      return Invalid(absl::StrCat("a string of ", bytes, " bytes; at most 1 MiB"));
    }
    ASSIGN_OR_RETURN(const absl::string_view text, source_.Take(static_cast<int64_t>(bytes)));
    return machine_.PushString(text);
  }
  absl::Status Tuple(size_t count) {
    ASSIGN_OR_RETURN(Ids ids, machine_.PopSeveral(count));
    return machine_.PushContainer(Kind::kTuple, std::move(ids));
  }
  absl::Status MarkedTuple() {
    ASSIGN_OR_RETURN(Ids ids, machine_.PopToMark());
    return machine_.PushContainer(Kind::kTuple, std::move(ids));
  }
  absl::Status Append() {
    ASSIGN_OR_RETURN(const Ids ids, machine_.PopSeveral(1));
    return machine_.Append(ids);
  }
  absl::Status Appends() {
    ASSIGN_OR_RETURN(const Ids ids, machine_.PopToMark());
    return machine_.Append(ids);
  }
  absl::Status SetItem() {
    ASSIGN_OR_RETURN(const Ids ids, machine_.PopSeveral(2));
    return machine_.Set(ids);
  }
  absl::Status SetItems() {
    ASSIGN_OR_RETURN(const Ids ids, machine_.PopToMark());
    return machine_.Set(ids);
  }
  absl::Status Put(int bytes) {
    ASSIGN_OR_RETURN(const uint64_t index, Number(bytes));
    return machine_.Put(index);
  }
  absl::Status Get(int bytes) {
    ASSIGN_OR_RETURN(const uint64_t index, Number(bytes));
    return machine_.Get(index);
  }
  absl::Status Global() {
    ASSIGN_OR_RETURN(const std::string module, Line());
    ASSIGN_OR_RETURN(const std::string name, Line());
    return PushGlobal(module, name);
  }
  absl::Status StackGlobal() {
    ASSIGN_OR_RETURN(const Ids ids, machine_.PopSeveral(2));
    const PickleValue &module = machine_.at(ids[0]), &name = machine_.at(ids[1]);
    if (module.kind != Kind::kString || name.kind != Kind::kString) {
      return Invalid("a global whose name is no string");
    }
    return PushGlobal(module.text(), name.text());
  }
  // The state of a dict that torch.save gives it, `_metadata`, is of no use here.
  absl::Status Build() {
    ASSIGN_OR_RETURN(const PickleId state, machine_.Pop());
    ASSIGN_OR_RETURN(const PickleId target, machine_.Top());
    if (machine_.at(target).kind == Kind::kDict && machine_.at(state).kind == Kind::kDict) {
      return absl::OkStatus();
    }
    return Invalid("a state for what is no OrderedDict");
  }

 private:
  absl::StatusOr<std::string> Line() {
    std::string line;
    while (true) {
      ASSIGN_OR_RETURN(const absl::string_view next, source_.Take(1));
      if (next[0] == '\n') return line;
      line.push_back(next[0]);
      if (line.size() > kMaxGlobalBytes) return Invalid("a global whose name has over 256 bytes");
    }
  }
  absl::Status PushGlobal(absl::string_view module, absl::string_view name) {
    const std::optional<int64_t> global = FindPickleGlobal(module, name);
    if (global) return machine_.Push(Kind::kGlobal, *global);
    return absl::InvalidArgumentError(
        absl::StrCat("refuses global '", absl::Utf8SafeCEscape(module.substr(0, kMaxGlobalBytes)),
                     " ", absl::Utf8SafeCEscape(name.substr(0, kMaxGlobalBytes)), "'"));
  }

  SequentialReader& source_;
  PickleMachine machine_;
};

// `run` is null of an opcode that is refused.
struct Opcode {
  unsigned char code;
  const char* name;
  absl::Status (*run)(Unpickler&);
};

constexpr unsigned char kProto = 0x80, kFrame = 0x95, kLong1 = 0x8a, kStop = '.';

// All opcodes of pickle up to protocol 5, by Python's names.
constexpr Opcode kOpcodes[] = {
    {kProto, "PROTO", [](Unpickler& u) { return u.Protocol(); }},
    {kFrame, "FRAME", [](Unpickler& u) { return u.Frame(); }},
    {'N', "NONE", [](Unpickler& u) { return u.machine().Push(Kind::kNone, 0); }},
    {0x88, "NEWTRUE", [](Unpickler& u) { return u.machine().Push(Kind::kBool, 1); }},
    {0x89, "NEWFALSE", [](Unpickler& u) { return u.machine().Push(Kind::kBool, 0); }},
    {'J', "BININT", [](Unpickler& u) { return u.SignedInt(); }},
    {'K', "BININT1", [](Unpickler& u) { return u.Int(1); }},
    {'M', "BININT2", [](Unpickler& u) { return u.Int(2); }},
    {kLong1, "LONG1", [](Unpickler& u) { return u.Long(); }},
    {'G', "BINFLOAT", [](Unpickler& u) { return u.Double(); }},
    {'X', "BINUNICODE", [](Unpickler& u) { return u.String(4); }},
    {0x8c, "SHORT_BINUNICODE", [](Unpickler& u) { return u.String(1); }},
    {'U', "SHORT_BINSTRING", [](Unpickler& u) { return u.String(1); }},
    {'T', "BINSTRING", [](Unpickler& u) { return u.String(4); }},
    {'}', "EMPTY_DICT", [](Unpickler& u) { return u.machine().PushContainer(Kind::kDict, {}); }},
    {']', "EMPTY_LIST", [](Unpickler& u) { return u.machine().PushContainer(Kind::kList, {}); }},
    {')', "EMPTY_TUPLE", [](Unpickler& u) { return u.machine().PushContainer(Kind::kTuple, {}); }},
    {'(', "MARK", [](Unpickler& u) { return u.machine().Mark(); }},
    {'t', "TUPLE", [](Unpickler& u) { return u.MarkedTuple(); }},
    {0x85, "TUPLE1", [](Unpickler& u) { return u.Tuple(1); }},
    {0x86, "TUPLE2", [](Unpickler& u) { return u.Tuple(2); }},
    {0x87, "TUPLE3", [](Unpickler& u) { return u.Tuple(3); }},
    {'a', "APPEND", [](Unpickler& u) { return u.Append(); }},
    {'e', "APPENDS", [](Unpickler& u) { return u.Appends(); }},
    {'s', "SETITEM", [](Unpickler& u) { return u.SetItem(); }},
    {'u', "SETITEMS", [](Unpickler& u) { return u.SetItems(); }},
    {'q', "BINPUT", [](Unpickler& u) { return u.Put(1); }},
    {'r', "LONG_BINPUT", [](Unpickler& u) { return u.Put(4); }},
    {'h', "BINGET", [](Unpickler& u) { return u.Get(1); }},
    {'j', "LONG_BINGET", [](Unpickler& u) { return u.Get(4); }},
    {0x94, "MEMOIZE", [](Unpickler& u) { return u.machine().PutNext(); }},
    {'c', "GLOBAL", [](Unpickler& u) { return u.Global(); }},
    {0x93, "STACK_GLOBAL", [](Unpickler& u) { return u.StackGlobal(); }},
    {'Q', "BINPERSID", [](Unpickler& u) { return LoadPersistentId(u.machine()); }},
    {'R', "REDUCE", [](Unpickler& u) { return ReduceGlobal(u.machine()); }},
    {'b', "BUILD", [](Unpickler& u) { return u.Build(); }},
    {'0', "POP", nullptr},
    {'1', "POP_MARK", nullptr},
    {'2', "DUP", nullptr},
    {'F', "FLOAT", nullptr},
    {'I', "INT", nullptr},
    {'L', "LONG", nullptr},
    {0x8b, "LONG4", nullptr},
    {'S', "STRING", nullptr},
    {'V', "UNICODE", nullptr},
    {0x8d, "BINUNICODE8", nullptr},
    {'B', "BINBYTES", nullptr},
    {'C', "SHORT_BINBYTES", nullptr},
    {0x8e, "BINBYTES8", nullptr},
    {0x96, "BYTEARRAY8", nullptr},
    {0x97, "NEXT_BUFFER", nullptr},
    {0x98, "READONLY_BUFFER", nullptr},
    {0x8f, "EMPTY_SET", nullptr},
    {0x90, "ADDITEMS", nullptr},
    {0x91, "FROZENSET", nullptr},
    {'d', "DICT", nullptr},
    {'l', "LIST", nullptr},
    {'g', "GET", nullptr},
    {'p', "PUT", nullptr},
    {'P', "PERSID", nullptr},
    {'i', "INST", nullptr},
    {'o', "OBJ", nullptr},
    {0x81, "NEWOBJ", nullptr},
    {0x92, "NEWOBJ_EX", nullptr},
    {0x82, "EXT1", nullptr},
    {0x83, "EXT2", nullptr},
    {0x84, "EXT4", nullptr},
};

constexpr std::array<const Opcode*, 256> OpcodeTable() {
  std::array<const Opcode*, 256> table = {};
  for (const Opcode& opcode : kOpcodes) table[opcode.code] = &opcode;
  return table;
}
constexpr std::array<const Opcode*, 256> kTable = OpcodeTable();

absl::Status At(int64_t position, const absl::Status& status) {
  const bool refused = absl::StartsWith(status.message(), "refuses");
  return absl::Status(status.code(),
                      absl::StrCat("pickle: ", status.message(), " at byte ", position,
                                   refused ? "; save the state_dict() alone" : ""));
}

absl::Status Refuse(unsigned char code) {
  const Opcode* opcode = kTable[code];
  return absl::InvalidArgumentError(
      opcode == nullptr
          ? absl::StrCat("refuses unknown opcode 0x", absl::Hex(code, absl::kZeroPad2))
          : absl::StrCat("refuses opcode ", opcode->name));
}

absl::StatusOr<unsigned char> TakeByte(SequentialReader& source) {
  ASSIGN_OR_RETURN(const absl::string_view byte, source.Take(1));
  return static_cast<unsigned char>(byte[0]);
}

// PROTO stands first and nowhere else.
absl::Status TakeProtocol(SequentialReader& source) {
  const int64_t start = source.position();
  ASSIGN_OR_RETURN(const unsigned char code, TakeByte(source));
  if (code != kProto) return At(start, Invalid("begins without PROTO, as before protocol 2,"));
  ASSIGN_OR_RETURN(const unsigned char version, TakeByte(source));
  if (version >= 2 && version <= 4) return absl::OkStatus();
  return At(start, Invalid(absl::StrCat("refuses protocol ", version, " (2 to 4 are read)")));
}

absl::Status Run(SequentialReader& source, Unpickler* unpickler) {
  const int64_t start = source.position();
  for (int64_t i = 0; i < kMaxOpcodes; ++i) {
    const int64_t position = source.position();
    ASSIGN_OR_RETURN(const unsigned char code, TakeByte(source));
    if (code == kStop) return absl::OkStatus();
    const Opcode* opcode = kTable[code];
    if (opcode == nullptr || opcode->run == nullptr) return At(position, Refuse(code));
    const absl::Status status = opcode->run(*unpickler);
    if (!status.ok()) return At(position, status);
    if (source.position() - start > kMaxPickleBytes) {
      return At(position, Invalid("has more than 64 MiB"));
    }
  }
  return At(source.position(), Invalid("has more than 1,000,000 opcodes"));
}

}  // namespace

absl::StatusOr<PickledObject> Unpickle(SequentialReader& source) {
  RETURN_IF_ERROR(TakeProtocol(source));
  Unpickler unpickler(&source);
  RETURN_IF_ERROR(Run(source, &unpickler));
  absl::StatusOr<PickledObject> object = unpickler.machine().Finish();
  if (!object.ok()) return At(source.position() - 1, object.status());
  return object;
}

absl::Status UnpickleMagic(SequentialReader& source) {
  RETURN_IF_ERROR(TakeProtocol(source));
  ASSIGN_OR_RETURN(unsigned char code, TakeByte(source));
  if (code == kFrame) {
    RETURN_IF_ERROR(source.Take(8).status());
    ASSIGN_OR_RETURN(code, TakeByte(source));
  }
  ASSIGN_OR_RETURN(const unsigned char length, TakeByte(source));
  ASSIGN_OR_RETURN(const absl::string_view magic, source.Take(kMagic.size()));
  const bool known = code == kLong1 && length == kMagic.size() && magic == kMagic;
  ASSIGN_OR_RETURN(code, TakeByte(source));
  // Protocol 4 remembers everything, even this.
  if (known && code == 0x94) {
    ASSIGN_OR_RETURN(code, TakeByte(source));
  }
  if (known && code == kStop) return absl::OkStatus();
  return Invalid("the magic number of torch.save is not at its place");
}

}  // namespace tweedie
