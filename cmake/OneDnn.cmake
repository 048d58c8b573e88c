# oneDNN, from Intel's PyPI wheels (scripts/setup): the imported target `onednn`. Of
# the build for GNU's OpenMP, which LibTorch loads anyway. (LibTorch's own oneDNN shows
# none of its symbols; Debian's is of 2022 and wants OpenCL.)
set(TWEEDIE_ONEDNN_VERSION 2023.2.0)

if(NOT TWEEDIE_ONEDNN)
  set(TWEEDIE_ONEDNN "${TWEEDIE_CACHE_FOLDER}/onednn-${TWEEDIE_ONEDNN_VERSION}")
endif()
if(NOT EXISTS "${TWEEDIE_ONEDNN}/lib/libdnnl.so.3")
  message(FATAL_ERROR "oneDNN ${TWEEDIE_ONEDNN_VERSION} is not installed: run scripts/setup, or set TWEEDIE_ONEDNN")
endif()

add_library(onednn SHARED IMPORTED GLOBAL)
set_target_properties(onednn PROPERTIES
  IMPORTED_LOCATION "${TWEEDIE_ONEDNN}/lib/libdnnl.so.3"
  INTERFACE_INCLUDE_DIRECTORIES "${TWEEDIE_ONEDNN}/include")
