// ReadSafetensorsLayout() of any bytes.
#include "tests/fuzz/check_layout.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return tweedie::FuzzLayout(data, size, tweedie::ReadSafetensorsLayout);
}
