# Installing: the program with its data, pages and scripts; libmuir for other projects (find_package, pkg-config, Python);
# and a Debian package of all that (cpack -G DEB).
include(CMakePackageConfigHelpers)
set(MUIR_PREFIX_DATA ${CMAKE_INSTALL_DATADIR}/muir)

install(TARGETS muir libmuir libmuir_shared muir_flags EXPORT muir-targets)
install(DIRECTORY data/ DESTINATION ${MUIR_PREFIX_DATA}/data)
install(DIRECTORY scripts/ DESTINATION ${MUIR_PREFIX_DATA}/scripts USE_SOURCE_PERMISSIONS
  PATTERN "__pycache__" EXCLUDE PATTERN "packaging" EXCLUDE PATTERN "build" EXCLUDE PATTERN "setup" EXCLUDE
  PATTERN "test" EXCLUDE PATTERN "run" EXCLUDE PATTERN "coverage" EXCLUDE PATTERN "mutate" EXCLUDE
  PATTERN "fuzz" EXCLUDE PATTERN "properties" EXCLUDE PATTERN "kills" EXCLUDE)
install(FILES python/muir.py DESTINATION ${MUIR_PREFIX_DATA}/python)
install(FILES LICENSE CHANGELOG.md README.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
if(IS_DIRECTORY ${PROJECT_SOURCE_DIR}/docs)
  install(DIRECTORY docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR} FILES_MATCHING PATTERN "*.md")
endif()

# Man pages and completions come from the program's own help.
find_package(Python3 COMPONENTS Interpreter QUIET)
if(Python3_FOUND)
  set(MUIR_PAGES ${PROJECT_BINARY_DIR}/pages)
  add_custom_command(OUTPUT ${MUIR_PAGES}/muir.bash
    COMMAND ${CMAKE_COMMAND} -E env MUIR_DATA=${PROJECT_SOURCE_DIR}/data
      ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/scripts/packaging/make_pages.py $<TARGET_FILE:muir> ${MUIR_PAGES}
    DEPENDS muir ${PROJECT_SOURCE_DIR}/scripts/packaging/make_pages.py VERBATIM)
  add_custom_target(pages ALL DEPENDS ${MUIR_PAGES}/muir.bash)
  install(DIRECTORY ${MUIR_PAGES}/man1 DESTINATION ${CMAKE_INSTALL_MANDIR} OPTIONAL)
  install(FILES ${MUIR_PAGES}/muir.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME muir OPTIONAL)
  install(FILES ${MUIR_PAGES}/_muir DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions OPTIONAL)
endif()

# For other projects: <muir.h> is the public face; the rooms below muir/ are for those who build on them.
install(FILES src/api/muir.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(DIRECTORY src/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/muir FILES_MATCHING PATTERN "*.h" PATTERN "*.def")
install(DIRECTORY collectives models DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/muir
  FILES_MATCHING PATTERN "*.h" PATTERN "*.def")
install(EXPORT muir-targets NAMESPACE muir:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/muir)
configure_package_config_file(cmake/muir-config.cmake.in ${PROJECT_BINARY_DIR}/muir-config.cmake
  INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/muir)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/muir-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/muir-config.cmake ${PROJECT_BINARY_DIR}/muir-config-version.cmake
  cmake/dependencies.cmake DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/muir)
configure_file(cmake/muir.pc.in ${PROJECT_BINARY_DIR}/muir.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/muir.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

# One Debian package of the program and the library; dpkg-shlibdeps finds what it needs.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME muir)
set(CPACK_PACKAGE_VENDOR "muir")
set(CPACK_PACKAGE_CONTACT "muir maintainers <maintainers@example.org>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "rehearses a training run on a fleet you do not have")
set(CPACK_PACKAGE_DESCRIPTION "Emulates distributed training of large models on fleets of accelerators: a model of\
 every chip and link, real collectives and matrix products on MPI ranks, telemetry in one HDF5 file.")
set(CPACK_RESOURCE_FILE_LICENSE ${PROJECT_SOURCE_DIR}/LICENSE)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
if(MUIR_MPI_FLAVOUR STREQUAL "openmpi")
  set(CPACK_DEBIAN_PACKAGE_DEPENDS openmpi-bin)
elseif(MUIR_MPI_FLAVOUR STREQUAL "mpich")
  set(CPACK_DEBIAN_PACKAGE_DEPENDS mpich)
endif()
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "libopenblas0-pthread, libfftw3-single3, libfftw3-double3")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "python3-h5py, python3-numpy, python3-matplotlib, slurm-client")
include(CPack)
