/* SPDX-License-Identifier: BSD-3-Clause */
/* The version of the library that this room stands on. */
#ifndef MUIR_IO_VERSION_H
#define MUIR_IO_VERSION_H

#include <stddef.h>

/* "HDF5 1.10.8", of the library that is loaded.
 * text  out  [size], cut to fit
 * Local. */
void muir_io_version(char *text, size_t size);

#endif
