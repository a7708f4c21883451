/* SPDX-License-Identifier: BSD-3-Clause */
/* Commands that are Python scripts of the installation. */
#ifndef MUIR_EXPORT_SCRIPT_H
#define MUIR_EXPORT_SCRIPT_H

#include "base/ctx.h"

/* Goes on as a script, which has the exit status from then on; returns only if that fails. The script finds
 * this program in the environment variable MUIR.
 * name  in  of the script, "report.py"
 * Local. MUIR_ERR_FILE (no such script, no python3), MUIR_ERR_MEM. */
muir_status muir_script_run(muir_ctx *ctx, const char *name, int argc, char **argv);

#endif
