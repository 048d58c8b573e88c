# Writes OUTPUT, a .cc with the files of FOLDER, for server/http/page_files.h.
#   cmake -DFOLDER=... -DOUTPUT=... -P embed.cmake
set(_type_html "text/html; charset=utf-8")
set(_type_css "text/css; charset=utf-8")
set(_type_js "text/javascript; charset=utf-8")
set(_type_svg "image/svg+xml")
file(GLOB _files RELATIVE "${FOLDER}" "${FOLDER}/*")
list(SORT _files)
set(_data)
set(_entries)
set(_n 0)
foreach(_file ${_files})
  string(REGEX REPLACE "^.*\\." "" _extension "${_file}")
  if(NOT DEFINED _type_${_extension})
    message(FATAL_ERROR "${_file}: no content type is known of .${_extension}")
  endif()
  set(_type "${_type_${_extension}}")
  file(READ "${FOLDER}/${_file}" _hex HEX)
  file(SHA256 "${FOLDER}/${_file}" _sha)
  string(SUBSTRING "${_sha}" 0 32 _sha)
  string(REGEX REPLACE "(..)" "'\\\\x\\1'," _bytes "${_hex}")
  string(APPEND _data "constexpr char kFile${_n}[] = {${_bytes}};\n")
  if(_file STREQUAL "index.html")
    set(_path "/")
  else()
    string(REPLACE "." "\\\\." _path "/dashboard/${_file}")
  endif()
  string(APPEND _entries
    "      {\"${_path}\", \"${_type}\", \"\\\"${_sha}\\\"\", kFile${_n}, sizeof(kFile${_n})},\n")
  math(EXPR _n "${_n} + 1")
endforeach()
file(WRITE "${OUTPUT}" "// Made by server/http/embed.cmake.
#include \"server/http/page_files.h\"

namespace tweedie {
namespace {

${_data}
}  // namespace

const std::vector<PageFile>& PageFiles() {
  static const auto* const files = new std::vector<PageFile>{
${_entries}  };
  return *files;
}

}  // namespace tweedie
")
