# The Debian package, by `scripts/package` (docs/deploy.md): the binaries, the libraries
# that Debian does not have, the model, the unit and its user. Of Debian's libraries it
# depends on the packages.
set(_private lib/tweedie)
set_target_properties(tweedied tweedie PROPERTIES INSTALL_RPATH "$ORIGIN/../${_private}")
# RPATH, not RUNPATH: it serves the libraries' own dependencies too.
target_link_options(tweedied PRIVATE -Wl,--disable-new-dtags)
target_link_options(tweedie PRIVATE -Wl,--disable-new-dtags)

install(TARGETS tweedied tweedie RUNTIME_DEPENDENCY_SET tweedie_libraries RUNTIME DESTINATION bin)
install(RUNTIME_DEPENDENCY_SET tweedie_libraries
  POST_EXCLUDE_REGEXES "^/lib/" "^/lib64/" "^/usr/lib/"
  LIBRARY DESTINATION ${_private})
install(DIRECTORY "${CMAKE_BINARY_DIR}/client/share/" DESTINATION share)
install(CODE [[
  file(GLOB _pages "$ENV{DESTDIR}${CMAKE_INSTALL_PREFIX}/share/man/man1/tweedie*.1")
  execute_process(COMMAND gzip -9 -n -f ${_pages} COMMAND_ERROR_IS_FATAL ANY)]])
install(DIRECTORY models/ DESTINATION share/tweedie/models)
install(DIRECTORY deploy/prometheus deploy/grafana DESTINATION share/tweedie)
install(FILES deploy/systemd/tweedied.service DESTINATION lib/systemd/system)
install(FILES deploy/systemd/tweedie.sysusers DESTINATION lib/sysusers.d RENAME tweedie.conf)
install(FILES deploy/debian/tweedied.conf DESTINATION /etc/tweedie)
install(FILES README.md docs/operations.md docs/deploy.md docs/api.md CHANGELOG.md DESTINATION share/doc/tweedie)
install(FILES LICENSE DESTINATION share/doc/tweedie RENAME copyright)
# Of what it brings along.
set(_wheels "${TWEEDIE_LIBTORCH}/..")
install(DIRECTORY "${_wheels}/torch-${TWEEDIE_LIBTORCH_VERSION}.dist-info/licenses/"
  DESTINATION share/doc/tweedie/licenses/libtorch)
foreach(_name cuda_runtime cuda_cupti)
  file(GLOB _license "${_wheels}/nvidia_${_name}-*.dist-info/licenses/License.txt")
  install(FILES ${_license} DESTINATION share/doc/tweedie/licenses RENAME nvidia_${_name})
endforeach()
install(DIRECTORY "${TWEEDIE_ONEDNN}/share/doc/onednn" DESTINATION share/doc/tweedie/licenses)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME tweedie)
set(CPACK_PACKAGE_CONTACT "the tweedie developers <tweedie@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "server for denoising diffusion models, and its client")
set(CPACK_PACKAGE_DESCRIPTION "tweedied holds denoising diffusion networks on a device, keeps a durable queue of\n jobs that sample, denoise and restore images, and streams their progress.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_COMPRESSION_TYPE zstd)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS "${CMAKE_INSTALL_PREFIX}/${_private}")
set(CPACK_DEBIAN_PACKAGE_DEPENDS "adduser, ca-certificates")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "systemd")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "postgresql, prometheus")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
  "${CMAKE_SOURCE_DIR}/deploy/debian/conffiles" "${CMAKE_SOURCE_DIR}/deploy/debian/postinst"
  "${CMAKE_SOURCE_DIR}/deploy/debian/prerm" "${CMAKE_SOURCE_DIR}/deploy/debian/postrm")
include(CPack)
