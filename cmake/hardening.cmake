# What compilers and linkers of today offer against memory errors; tests/cli/test_hardening.py sees it in the program.
option(MUIR_HARDENING "stack protector, checked copies, all symbols bound at start" ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON) # the program, and libmuir.so
include(CheckPIESupported)
check_pie_supported(LANGUAGES C)
# Sanitizers bring checks of their own; without optimisation the checked copies are refused by the C library.
string(TOUPPER "${CMAKE_BUILD_TYPE}" MUIR_BUILD_TYPE)
set(MUIR_ALL_C_FLAGS "${CMAKE_C_FLAGS} ${CMAKE_C_FLAGS_${MUIR_BUILD_TYPE}}")
if(MUIR_HARDENING AND MUIR_ALL_C_FLAGS MATCHES "-O[123s]" AND NOT MUIR_ALL_C_FLAGS MATCHES "-fsanitize")
  include(CheckCSourceCompiles)
  set(CMAKE_REQUIRED_FLAGS "-O2 -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -Werror")
  check_c_source_compiles("#include <string.h>
int main(void) { char text[4]; strncpy(text, \"ab\", sizeof text); return text[0] == 0; }" MUIR_HAS_FORTIFY_3)
  unset(CMAKE_REQUIRED_FLAGS)
  set(MUIR_FORTIFY 2)
  if(MUIR_HAS_FORTIFY_3)
    set(MUIR_FORTIFY 3)
  endif()
  target_compile_options(muir_flags INTERFACE -fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=${MUIR_FORTIFY})
endif()
if(MUIR_HARDENING AND CMAKE_SYSTEM_NAME STREQUAL "Linux")
  target_link_options(muir_flags INTERFACE LINKER:-z,relro LINKER:-z,now LINKER:-z,noexecstack)
endif()
