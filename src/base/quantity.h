/* SPDX-License-Identifier: BSD-3-Clause */
/* Values as people write them: "1,024", "8k", "50 %", "2 h 05 min", "400Gb/s", "80 GiB", "1e6". */
#ifndef MUIR_BASE_QUANTITY_H
#define MUIR_BASE_QUANTITY_H

#include <stdbool.h>

/* The unit of whole numbers that count nothing in particular: Ki, Mi, Gi, but neither k nor %. */
#define MUIR_UNIT_WHOLE "whole"

/* Reads a number and what stands after it.
 * unit   in   that the value is wanted in: "byte/s", "s", "", "chips"; a plain number is one of these
 * value  out  in that unit; untouched where false
 * Local. False where the text is no finite decimal number, or what follows is no known way to write the
 * unit. */
bool muir_quantity_read(const char *text, const char *unit, double *value);

/* What may follow a number of that unit, for messages and help: "B/s or b/s (bits) with ..."; never NULL.
 * Local. */
const char *muir_quantity_suffixes(const char *unit);

#endif
