# Third-party libraries, all from Debian 12 packages (scripts/setup installs
# them). LibTorch has a file of its own.
find_program(TWEEDIE_CCACHE ccache)
if(TWEEDIE_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${CMAKE_SOURCE_DIR}/cmake/cached" ${TWEEDIE_CCACHE})
endif()

find_package(Threads REQUIRED)
find_package(absl REQUIRED CONFIG)
find_package(Protobuf REQUIRED)
find_package(gRPC REQUIRED CONFIG)
find_package(spdlog REQUIRED CONFIG)
find_package(nlohmann_json REQUIRED CONFIG)
find_package(yaml-cpp REQUIRED CONFIG)
find_package(SQLite3 REQUIRED)
find_package(PostgreSQL REQUIRED)  # libpq, the client
find_package(OpenSSL REQUIRED COMPONENTS Crypto SSL)
find_package(ZLIB REQUIRED)
find_package(PNG REQUIRED)
find_package(JPEG REQUIRED)
find_package(CLI11 REQUIRED CONFIG)
if(TWEEDIE_TESTS)
  find_package(GTest REQUIRED CONFIG)
  # The server, which tests start for themselves; those that need it fail without.
  file(GLOB _postgres_bins "/usr/lib/postgresql/*/bin")
  find_path(TWEEDIE_POSTGRES_BIN initdb HINTS ${_postgres_bins} DOC "Folder of PostgreSQL's initdb")
endif()
