/* SPDX-License-Identifier: BSD-3-Clause */
/* Damage to HDF5 files, for tests of what notices it. */
#ifndef MUIR_TESTS_FLIP_H
#define MUIR_TESTS_FLIP_H

/* Changes a bit of the byte `at` of a contiguous dataset's data in the file. Collective over the test's
 * ranks: the file is closed before, and damaged after. */
void flip(const char *path, const char *dataset, long at);

#endif
