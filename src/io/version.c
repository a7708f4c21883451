/* SPDX-License-Identifier: BSD-3-Clause */
/* The loaded HDF5's version. */
#include "io/version.h"

#include <hdf5.h>
#include <stdio.h>

void muir_io_version(char *text, size_t size)
{
    unsigned major = 0, minor = 0, release = 0;
    H5get_libversion(&major, &minor, &release);
    snprintf(text, size, "HDF5 %u.%u.%u", major, minor, release);
}
