/* SPDX-License-Identifier: BSD-3-Clause */
/* What this program was built from, and how. */
#ifndef MUIR_BASE_BUILD_H
#define MUIR_BASE_BUILD_H

/* Revision ("+": with changes that are in no commit; "unknown revision" outside git), compiler, build type
 * and flags, on one line. Never NULL. Local. */
const char *muir_build_text(void);

#endif
