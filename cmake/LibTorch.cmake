# Imported targets of LibTorch 2.15.0, from the PyPI wheel `torch`:
#   libtorch::cpu   headers, libtorch_cpu, libc10
#   libtorch::cuda  the CUDA libraries too (with TWEEDIE_CUDA)
#
# The wheel's include folder also carries fmt and protobuf of other versions
# than Debian's, so the compiler sees only a folder of links to LibTorch's own.
set(TWEEDIE_LIBTORCH_VERSION 2.15.0)

if(NOT TWEEDIE_LIBTORCH)
  file(GLOB TWEEDIE_LIBTORCH
       "${TWEEDIE_CACHE_FOLDER}/libtorch-${TWEEDIE_LIBTORCH_VERSION}/lib/python3*/site-packages/torch")
endif()
if(NOT EXISTS "${TWEEDIE_LIBTORCH}/lib/libtorch_cpu.so")
  message(FATAL_ERROR "LibTorch ${TWEEDIE_LIBTORCH_VERSION} is not installed: run scripts/setup, or set TWEEDIE_LIBTORCH")
endif()

set(_include "${CMAKE_BINARY_DIR}/libtorch-include")
file(MAKE_DIRECTORY "${_include}")
foreach(_folder ATen c10 torch caffe2)
  file(CREATE_LINK "${TWEEDIE_LIBTORCH}/include/${_folder}" "${_include}/${_folder}" SYMBOLIC)
endforeach()

function(_tweedie_import name)
  add_library(libtorch::${name} SHARED IMPORTED GLOBAL)
  set_target_properties(libtorch::${name} PROPERTIES
    IMPORTED_LOCATION "${TWEEDIE_LIBTORCH}/lib/lib${name}.so")
endfunction()

_tweedie_import(c10)
_tweedie_import(torch_cpu)
add_library(libtorch_cpu_all INTERFACE)
add_library(libtorch::cpu ALIAS libtorch_cpu_all)
target_include_directories(libtorch_cpu_all SYSTEM INTERFACE
  "${_include}" "${_include}/torch/csrc/api/include")
target_link_libraries(libtorch_cpu_all INTERFACE libtorch::torch_cpu libtorch::c10)
# libtorch_cpu needs libcudart and libcupti of the nvidia packages, which it
# finds by its own rpath at run time; the linker need not see them.
target_link_options(libtorch_cpu_all INTERFACE -Wl,--allow-shlib-undefined)

if(TWEEDIE_CUDA)
  _tweedie_import(c10_cuda)
  _tweedie_import(torch_cuda)
  file(GLOB _cuda_include "${TWEEDIE_LIBTORCH}/../nvidia/cu13/include")
  if(NOT _cuda_include)
    message(FATAL_ERROR "CUDA headers are missing: the package nvidia-cuda-runtime is not beside torch")
  endif()
  file(GLOB _cudart "${TWEEDIE_LIBTORCH}/../nvidia/cu13/lib/libcudart.so.13")
  add_library(libtorch_cuda_all INTERFACE)
  add_library(libtorch::cuda ALIAS libtorch_cuda_all)
  target_include_directories(libtorch_cuda_all SYSTEM INTERFACE "${_cuda_include}")
  target_compile_definitions(libtorch_cuda_all INTERFACE TWEEDIE_CUDA=1)
  # Nothing refers to libtorch_cuda by symbol; it registers its kernels when loaded.
  # c10's headers call the CUDA runtime inline.
  target_link_libraries(libtorch_cuda_all INTERFACE libtorch::cpu libtorch::c10_cuda ${_cudart}
    -Wl,--no-as-needed libtorch::torch_cuda -Wl,--as-needed)
endif()
