/* SPDX-License-Identifier: BSD-3-Clause */
/* Draws muir_session_* out of libmuir.a into libmuir.so, which needs a source of its own. */
#include "api/muir.h"

const char *muir_shared_version(void);

const char *muir_shared_version(void)
{
    return muir_session_version();
}
