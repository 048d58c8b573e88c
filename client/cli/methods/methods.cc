#include "client/cli/methods/methods.h"

namespace tweedie::cli {

std::vector<const MethodInfo*> Methods() {
  return {&kSdedit, &kAld, &kDps, &kDdnm, &kDdrm, &kPigdm, &kDiffpir, &kReddiff, &kRepaint};
}

const MethodInfo* FindMethod(absl::string_view name) {
  for (const MethodInfo* method : Methods()) {
    if (name == method->name) return method;
  }
  return nullptr;
}

}  // namespace tweedie::cli
