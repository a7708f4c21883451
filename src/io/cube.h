/* SPDX-License-Identifier: BSD-3-Clause */
/* Files of results over several dimensions at once, such as a study's: one group, by the rules of netCDF-4,
 * each dimension with its coordinate. Written whole, every time; a file that has the name PATH is always
 * complete. */
#ifndef MUIR_IO_CUBE_H
#define MUIR_IO_CUBE_H

#include "io/telemetry.h"

enum { MUIR_CUBE_DIMENSIONS = 8 };

/* A coordinate: labels, or 0 .. size - 1. */
typedef struct muir_cube_dimension {
    muir_label label;
    size_t size;              /* >= 1 */
    const char *const *texts; /* [size]; NULL: numbers */
} muir_cube_dimension;

typedef struct muir_cube_variable {
    muir_label label;
    muir_value_type type;
    int n_dims, dims[MUIR_CUBE_DIMENSIONS]; /* numbers of its dimensions, slowest first */
    const void *values;                     /* of its type; texts: const char *const * */
} muir_cube_variable;

typedef struct muir_cube {
    const muir_cube_dimension *dimensions;
    size_t n_dimensions;
    const muir_cube_variable *variables;
    size_t n_variables;
    const muir_attribute *attributes; /* of the file; muir adds format_version and Conventions */
    size_t n_attributes;
} muir_cube;

typedef struct muir_cube_file muir_cube_file;

/* Takes over the claim's name, which stays locked until muir_cube_file_destroy.
 * claim  in/out  its lock goes over to the file
 * out    out     untouched on error
 * On rank 0. Local. MUIR_ERR_MEM. */
muir_status muir_cube_file_create(muir_ctx *ctx, muir_claim *claim, muir_cube_file **out);
void muir_cube_file_destroy(muir_cube_file **file); /* accepts NULL, leaves NULL */

/* Replaces the file, or makes it, as PATH.part that gets the name PATH. The same cube gives the same bytes.
 * On rank 0. Local. MUIR_ERR_FILE; the file is then as it was. */
muir_status muir_cube_file_save(muir_ctx *ctx, muir_cube_file *file, const muir_cube *cube);

/* Whether PATH was there when it was claimed, to go on with. Local. */
bool muir_cube_file_is_old(const muir_cube_file *file);

/* Reads a variable of an older file whole.
 * type    in   F64 or I64: what the variable has
 * n       in   number of its values
 * values  out  [n]; texts: [n] char *, each freed with free(); untouched on error
 * On rank 0. Local. MUIR_ERR_ARG where the file has no such variable of n values. */
muir_status muir_cube_file_read(muir_ctx *ctx, const muir_cube_file *file, const char *name,
                                muir_value_type type, size_t n, void *values);

/* The same for an attribute of the file that is a text.
 * text  out  freed with free() */
muir_status muir_cube_file_read_text(muir_ctx *ctx, const muir_cube_file *file, const char *key, char **text);

#endif
