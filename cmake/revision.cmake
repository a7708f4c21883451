# Writes OUTPUT, a header with the revision of SOURCE_DIR, if it has changed since: run at every build.
cmake_minimum_required(VERSION 3.18)
set(revision "")
find_program(GIT git)
if(GIT)
  execute_process(COMMAND ${GIT} describe --always --abbrev=12 --dirty=+ --exclude=*
    WORKING_DIRECTORY ${SOURCE_DIR} OUTPUT_VARIABLE revision OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
endif()
if(revision STREQUAL "")
  set(revision "unknown revision")
else()
  set(revision "revision ${revision}")
endif()
file(CONFIGURE OUTPUT ${OUTPUT} CONTENT "#define MUIR_REVISION \"@revision@\"\n" @ONLY)
