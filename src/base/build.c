/* SPDX-License-Identifier: BSD-3-Clause */
/* What CMake and the compiler know about the build. */
#include "base/build.h"

#include "base/revision.h" /* made by cmake/revision.cmake */

const char *muir_build_text(void)
{
    return MUIR_REVISION ", " MUIR_COMPILER " " __VERSION__ ", " MUIR_BUILD_FLAGS;
}
