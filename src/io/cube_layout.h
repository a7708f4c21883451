/* SPDX-License-Identifier: BSD-3-Clause */
/* What cube.c and cube_file.c do for each other. Not for other rooms. */
#ifndef MUIR_IO_CUBE_LAYOUT_H
#define MUIR_IO_CUBE_LAYOUT_H

#include "io/cube.h"

/* Writes a cube into the file at path, which is there and may be empty. Local. MUIR_ERR_FILE. */
muir_status muir_cube_write(muir_ctx *ctx, const char *path, const muir_cube *cube);

#endif
