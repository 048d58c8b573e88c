# tweedie_library(), tweedie_binary() and tweedie_test(): every target of the
# project is made by one of them, so that warnings and sanitizers are the same
# everywhere.

add_library(tweedie_options INTERFACE)
target_include_directories(tweedie_options INTERFACE "${CMAKE_SOURCE_DIR}")
# One code model for libraries and binaries alike, or the precompiled header of
# the one does not serve the other. No contraction: a fused multiply-add rounds
# once where the noise contract and the methods promise two roundings.
target_compile_options(tweedie_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -fPIC -pthread -ffp-contract=off)
if(CMAKE_CXX_COMPILER_ID MATCHES Clang)
  target_compile_options(tweedie_options INTERFACE -Wthread-safety -Werror=thread-safety)
endif()
if(TWEEDIE_SANITIZE)
  target_compile_options(tweedie_options INTERFACE
    -fsanitize=${TWEEDIE_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=undefined)
  target_link_options(tweedie_options INTERFACE -fsanitize=${TWEEDIE_SANITIZE})
endif()
if(TWEEDIE_SANITIZE STREQUAL thread)
  target_include_directories(tweedie_options SYSTEM BEFORE INTERFACE "${CMAKE_SOURCE_DIR}/tests/sanitizers/include")
endif()

# LibTorch's headers cost 10 to 17 s a file; ATen's are compiled once, here. (Not
# torch/torch.h: what it leaves to be instantiated costs every file 15 s again.)
file(WRITE "${CMAKE_BINARY_DIR}/torch_pch.cc.in" "// Carries the precompiled header of LibTorch.\n")
configure_file("${CMAKE_BINARY_DIR}/torch_pch.cc.in" "${CMAKE_BINARY_DIR}/torch_pch.cc" COPYONLY)
add_library(tweedie_torch_pch STATIC "${CMAKE_BINARY_DIR}/torch_pch.cc")
target_link_libraries(tweedie_torch_pch PUBLIC tweedie_options libtorch::cpu)
target_precompile_headers(tweedie_torch_pch PRIVATE <ATen/ATen.h>)

function(_tweedie_torch target)
  target_link_libraries(${target} PUBLIC libtorch::cpu)
  target_precompile_headers(${target} REUSE_FROM tweedie_torch_pch)
endfunction()

# tweedie_library(NAME [TORCH] [SRCS ...] [DEPS ...])
# A static library. TORCH: it includes LibTorch.
function(tweedie_library name)
  cmake_parse_arguments(ARG "TORCH" "" "SRCS;DEPS" ${ARGN})
  add_library(${name} STATIC ${ARG_SRCS})
  target_link_libraries(${name} PUBLIC tweedie_options ${ARG_DEPS})
  if(ARG_TORCH)
    _tweedie_torch(${name})
  endif()
endfunction()

# tweedie_binary(NAME [SRCS ...] [DEPS ...])
function(tweedie_binary name)
  cmake_parse_arguments(ARG "" "" "SRCS;DEPS" ${ARGN})
  add_executable(${name} ${ARG_SRCS})
  target_link_libraries(${name} PRIVATE tweedie_options ${ARG_DEPS})
endfunction()

# tweedie_test(NAME LABEL label [TORCH] [SRCS ...] [DEPS ...] [TIMEOUT seconds])
# One GoogleTest binary, one ctest entry. At -O1, which halves the time that
# GoogleMock's templates take to compile; what is tested keeps its own level.
function(tweedie_test name)
  cmake_parse_arguments(ARG "TORCH" "LABEL;TIMEOUT" "SRCS;DEPS" ${ARGN})
  add_executable(${name} ${ARG_SRCS})
  target_link_libraries(${name} PRIVATE tweedie_options ${ARG_DEPS} GTest::gmock GTest::gtest_main)
  target_compile_options(${name} PRIVATE $<$<NOT:$<CONFIG:Debug>>:-O1>)
  target_compile_definitions(${name} PRIVATE TWEEDIE_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  if(ARG_TORCH)
    _tweedie_torch(${name})
  endif()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 300)
  endif()
  if(TWEEDIE_SANITIZE)
    math(EXPR ARG_TIMEOUT "${ARG_TIMEOUT} * 10")
  endif()
  add_test(NAME ${name} COMMAND ${name})
  # ctest keeps the cores busy: OpenMP's threads would only wait for each other.
  set_tests_properties(${name} PROPERTIES LABELS "${ARG_LABEL}" TIMEOUT ${ARG_TIMEOUT}
    # No profiles of whoever runs the tests.
    ENVIRONMENT "OMP_NUM_THREADS=1;XDG_CONFIG_HOME=${CMAKE_BINARY_DIR}/no-config")
endfunction()
